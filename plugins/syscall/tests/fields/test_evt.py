import pytest

from falco_syscall.capture.builder import CaptureBuilder


def shell() -> CaptureBuilder:
    return CaptureBuilder().process(10, "sh", cwd="/home/").user(0, "root").file(10, 3, "/f")


@pytest.mark.parametrize(
    ("event", "params", "text"),
    [
        (
            "open",
            {"fd": 3, "name": "a", "flags": "O_TRUNC|O_CREAT|O_WRONLY", "mode": 0o666},
            "fd=3(<f>/home/a) name=a(/home/a) flags=262(O_TRUNC|O_CREAT|O_WRONLY) mode=0666 dev=0 ino=0",
        ),
        ("access", {"res": "ENOENT", "name": "/x", "mode": 0}, "res=-2(ENOENT) name=/x mode=0(F_OK)"),
        ("read", {"res": 0, "fd": 3, "size": 9}, "res=0 data=NULL fd=3(<f>/f) size=9"),
        ("write", {"res": 4, "data": b"a\n\xffb", "fd": 9}, "res=4 data=a..b fd=9 size=0"),
        (
            "chmod",
            {"res": 0, "filename": "/x", "mode": 0o755},
            "res=0 filename=/x mode=0755(S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR)",
        ),
        ("kill", {"res": 0, "pid": 10, "sig": 9}, "res=0 pid=10(sh) sig=9(SIGKILL)"),
        ("setuid", {"res": 0, "uid": 0xFFFFFFFF}, "res=0 uid=-1(<NONE>)"),
        ("chown", {"res": 0, "path": "/x", "uid": 0xFFFFFFFF, "gid": 0}, "res=0 path=/x uid=-1 gid=0"),
        ("nanosleep", {"res": 0, "interval": 1_500_000_000}, "res=0 interval=1500000000(1.5s)"),
        ("nanosleep", {"res": 0, "interval": (1 << 64) - 1}, "res=0 interval=none"),
        (
            "socket",
            {"fd": 4, "domain": "AF_UNIX", "type": 1},
            "fd=4(<u>) domain=1(AF_LOCAL|AF_UNIX) type=1 proto=0 flags=0(O_NONE)",
        ),
        (
            "openat",
            {"fd": "EBADF", "dirfd": 7, "name": "x", "flags": 1},
            "fd=-9(EBADF) dirfd=7 name=x(x) flags=1(O_RDONLY) mode=0 dev=0 ino=0",
        ),
    ],
)
def test_arguments_are_shown_with_their_meaning(see, event: str, params: dict[str, object], text: str) -> None:
    assert see(shell().event(event, 10, **params), "evt.args") == [text]


def test_an_argument_is_its_meaning_where_it_has_one(see) -> None:
    capture = shell().event("read", 10, res="EIO", fd=3, size=5)

    assert see(capture, "evt.arg.fd", "evt.arg[0]", "evt.arg.size", "evt.arg.name", "evt.arg[9]") == [
        ("<f>/f", "EIO", "5", None, None)
    ]


def test_a_raw_argument_keeps_its_type_and_is_absent_where_its_name_means_another(see) -> None:
    capture = (
        shell()
        .event("socket", 10, fd=4, domain="AF_INET", type=2)
        .event("mount", 10, res=0, dev="none", dir="/m", type="tmpfs", flags=0)
    )

    assert see(capture, "evt.rawarg.type", "evt.rawarg.res") == [(2, None), (None, 0)]


def test_results_are_told_in_words_and_numbers(see) -> None:
    capture = (
        shell()
        .event("close", 10, res=0, fd=9)
        .event("close", 10, res="EBADF", fd=9)
        .event("setsid", 10, res="EPERM")
        .event("switch", 10)
    )

    assert see(capture, "evt.res", "evt.rawres", "evt.failed", "evt.count.error") == [
        ("SUCCESS", 0, False, 0),
        ("EBADF", -9, True, 1),
        ("-1", -1, True, 1),
        (None, None, None, None),
    ]


def test_calls_without_an_event_of_their_own_have_the_name_of_the_call(see) -> None:
    capture = shell().event("GENERIC_X", 10, ID="rt_sigaction", nativeID=13).event("GENERIC_X", 10, ID=0, nativeID=221)

    assert see(capture, "evt.type", "syscall.type", "evt.args", "evt.type.is.rt_sigaction") == [
        ("rt_sigaction", "rt_sigaction", "", 1),
        ("fadvise64", "fadvise64", "", None),
    ]


def test_what_is_no_call_has_no_call_s_name(see) -> None:
    assert see(shell().event("procexit", 10), "evt.type", "syscall.type", "evt.dir") == [("procexit", None, ">")]


def test_opens_are_told_by_the_flags_of_the_exit_event(see) -> None:
    capture = (
        shell()
        .event("open", 10, fd=4, name="/a", flags="O_RDWR|O_CREAT|O_F_CREATED", mode=0o755)
        .event("creat", 10, fd=4, name="/a", mode=0o644)
        .event("read", 10, res=0, fd=4)
    )

    names = ("evt.is_open_read", "evt.is_open_write", "evt.is_open_exec", "evt.is_open_create")
    assert see(capture, *names) == [(True, True, True, True), (False, False, False, False), (False,) * 4]


@pytest.mark.parametrize(
    ("event", "params", "paths"),
    [
        ("unlinkat", {"res": 0, "dirfd": "AT_FDCWD", "name": "a"}, ("/home/a", None, None)),
        ("rename", {"res": 0, "oldpath": "a", "newpath": "/b/../c"}, (None, "/home/a", "/c")),
        ("link", {"res": 0, "oldpath": "/old", "newpath": "/new"}, (None, "/new", "/old")),
        ("fchmod", {"res": 0, "fd": 3, "mode": 0}, ("/f", None, None)),
        ("unlink", {"res": "EPERM", "path": "/a"}, (None, None, None)),
        ("openat", {"fd": "ENOENT", "dirfd": "AT_FDCWD", "name": "a", "flags": 1}, ("<UNKNOWN>", None, None)),
    ],
)
def test_paths_of_events_are_absolute(see, event: str, params: dict[str, object], paths: tuple[object, ...]) -> None:
    assert see(shell().event(event, 10, **params), "fs.path.name", "fs.path.source", "fs.path.target") == [paths]


def test_time_counts_from_the_previous_event(see) -> None:
    capture = (
        shell().event("close", 10, at_ns=5, fd=9).event("close", 10, at_ns=12, fd=9).event("close", 10, at_ns=7, fd=9)
    )

    assert see(capture, "evt.deltatime") == [0, 7, 0]
