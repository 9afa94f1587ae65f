from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.state.threads import Thread, ThreadTable

SECOND = 1_000_000_000


def family() -> CaptureBuilder:
    return CaptureBuilder().process(1, "init", ptid=0).process(10, "bash", cwd="/home/", env=["A=1"]).file(10, 3, "/f")


def test_a_child_known_from_its_caller_inherits_all_but_its_name(see) -> None:
    capture = family().event("clone", 10, res=11, comm="bash", flags=0).event("read", 11, res=0, fd=3)

    assert see(capture, "proc.name", "proc.pname", "proc.cwd", "fd.name", "proc.env")[1] == (
        *("bash", "bash", "/home/", "/f", "A=1"),
    )


def test_a_child_known_from_its_own_event_first_is_made_once(see) -> None:
    capture = (
        family()
        .event("clone", 11, res=0, tid=11, pid=11, ptid=10, vtid=11, vpid=11, comm="bash")
        .event("clone", 10, res=11, comm="bash")
        .event("close", 11, res=-9, fd=3)
    )

    assert see(capture, "proc.pid", "proc.ppid", "fd.name")[-1] == (11, 10, "/f")


def test_a_thread_shares_the_descriptors_and_the_directory_of_its_process(see) -> None:
    capture = (
        family()
        .event("clone", 10, res=12, comm="bash", flags="CLONE_THREAD|CLONE_FILES")
        .event("open", 12, fd=4, name="/t", flags="O_RDONLY")
        .event("read", 10, res=0, fd=4)
        .event("chdir", 12, res=0, path="sub")
        .event("read", 10, res=0, fd=4)
    )

    rows = see(capture, "fd.name", "proc.cwd", "proc.nthreads", "thread.ismain")
    assert rows[2] == ("/t", "/home/", 2, True)
    assert rows[4] == ("/t", "/home/sub/", 2, True)


def test_an_unshared_table_changes_alone(see) -> None:
    capture = (
        family()
        .event("clone", 10, res=11, comm="bash", flags=0)
        .event("close", 10, res=0, fd=3)
        .event("read", 11, res=0, fd=3)
        .event("read", 10, res=0, fd=3)
    )

    assert see(capture, "fd.name") == [None, "/f", "/f", ""]


def test_a_successful_exec_changes_the_process_and_closes_marked_descriptors(see) -> None:
    capture = (
        family()
        .file(10, 4, "/marked", flags="O_RDONLY|O_CLOEXEC")
        .event("execve", 10, res=-2, exe="/bin/no", comm="no")
        .event("execve", 10, res=0, exe="/bin/cat", comm="cat", args=["-n"], trusted_exepath="/usr/bin/cat")
        .event("read", 10, res=0, fd=4)
        .event("read", 10, res=0, fd=3)
    )

    rows = see(capture, "proc.name", "proc.cmdline", "proc.exepath", "fd.name")
    assert rows[0][:2] == ("bash", "bash")
    assert rows[1][:3] == ("cat", "cat -n", "/usr/bin/cat")
    assert rows[2][3] == ""
    assert rows[3][3] == "/f"


def test_an_exited_process_is_there_until_the_next_event(see) -> None:
    capture = family().event("procexit", 10).event("read", 10, res=0, fd=3)

    assert see(capture, "proc.name") == ["bash", "<NA>"]


def test_orphans_go_to_the_reaper(see) -> None:
    capture = (
        family()
        .event("clone", 10, res=11, comm="bash", flags=0)
        .event("procexit", 10, reaper_tid=1)
        .event("read", 11, res=0, fd=3)
    )

    assert see(capture, "proc.pname")[-1] == "init"


def test_a_dead_main_thread_holds_what_its_threads_share(see) -> None:
    capture = (
        family()
        .event("clone", 10, res=12, comm="bash", flags="CLONE_THREAD|CLONE_FILES")
        .event("procexit", 10)
        .event("read", 12, res=0, fd=3)
        .event("procexit", 12)
        .event("read", 12, res=0, fd=3)
    )

    assert see(capture, "fd.name", "proc.nthreads")[2] == ("/f", 1)
    assert see(capture, "proc.name")[-1] == "<NA>"


def test_a_caller_s_event_after_the_exit_of_its_child_makes_nobody(see) -> None:
    capture = (
        family()
        .event("clone", 11, res=0, tid=11, pid=11, ptid=10, vtid=11, vpid=11, comm="bash")
        .event("procexit", 11)
        .event("clone", 10, res=11, comm="bash")
        .event("read", 11, res=0, fd=3)
    )

    assert see(capture, "proc.name")[-1] == "<NA>"


def test_ancestors_are_counted_from_the_process(see) -> None:
    capture = family().event("read", 10, res=0, fd=3)

    assert see(capture, "proc.aname[0]", "proc.aname[1]", "proc.aname[2]", "proc.aname") == [
        (("bash",), ("init",), None, ("init",))
    ]


def test_a_loop_of_parents_ends() -> None:
    table = ThreadTable()
    for tid, ptid in ((2, 3), (3, 2)):
        table.load(Thread(tid, pid=tid, ptid=ptid))
    table.link_all()
    thread = table.get(2)

    assert thread is not None
    assert [ancestor.tid for ancestor in table.ancestors(thread)] == [3]


def test_a_full_table_takes_no_more_threads_and_says_so() -> None:
    table = ThreadTable(limit=2)

    assert [table.known_or_new(tid) is not None for tid in (1, 2, 3, 1)] == [True, True, False, True]
    assert table.refused == 1


def test_a_thread_that_has_no_room_is_counted_once() -> None:
    table = ThreadTable(limit=1)

    for tid in (1, 2, 3, 2, 3, 3):
        table.known_or_new(tid)

    assert table.refused == 2


def test_the_leader_of_a_session_is_the_oldest_ancestor_in_it_where_it_is_gone(see) -> None:
    capture = (
        CaptureBuilder()
        .process(1, "init", ptid=0, sid=1)
        .process(20, "sh", ptid=1, sid=19)
        .process(21, "cat", ptid=20, sid=19)
        .event("close", 21, res=0, fd=9)
        .event("close", 20, res=0, fd=9)
    )

    assert see(capture, "proc.sname") == ["sh", ""]


def test_minus_one_leaves_a_user_as_it_is(see) -> None:
    capture = (
        CaptureBuilder()
        .process(10, "su", uid=5, gid=6)
        .event("setresuid", 10, res=0, ruid=0xFFFFFFFF, euid=0xFFFFFFFF, suid=0xFFFFFFFF)
        .event("setuid", 10, res=-1, uid=0)
        .event("setuid", 10, res=0, uid=7)
        .event("setgid", 10, res=0, gid=8)
    )

    assert see(capture, "user.uid", "group.gid") == [(5, 6), (5, 6), (7, 6), (7, 8)]


def test_whoever_enters_a_user_namespace_can_do_everything_there(see) -> None:
    capture = CaptureBuilder().process(10, "unshare").event("unshare", 10, res=0, flags="CLONE_NEWUSER")

    assert see(capture, "thread.cap_effective")[0].startswith("CAP_CHOWN ")
    assert see(capture, "thread.cap_effective")[0].endswith(" CAP_CHECKPOINT_RESTORE")
