import pytest

from falco_syscall.capture import FdInfo, FdType
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.state.descriptors import Descriptor
from falco_syscall.state.tables import MOST_DESCRIPTORS, DescriptorTable


def shell() -> CaptureBuilder:
    return CaptureBuilder().process(10, "sh", cwd="/home/")


def test_a_relative_path_starts_from_the_working_directory_of_the_moment(see) -> None:
    capture = (
        shell()
        .event("open", 10, fd=3, name="x/../a", flags="O_RDONLY")
        .event("chdir", 10, res=0, path="/tmp")
        .event("open", 10, fd=4, name="b", flags="O_RDONLY")
        .event("read", 10, res=0, fd=3)
    )

    assert see(capture, "fd.name", "fd.nameraw") == [
        ("/home/a", "x/../a"),
        (None, None),
        ("/tmp/b", "b"),
        ("/home/a", "x/../a"),
    ]


@pytest.mark.parametrize(
    ("dirfd", "name", "path"),
    [(3, "f", "/etc/f"), (9, "f", "<UNKNOWN>f"), ("AT_FDCWD", "f", "/home/f"), (9, "/f", "/f")],
)
def test_a_path_may_be_relative_to_a_descriptor(see, dirfd: object, name: str, path: str) -> None:
    capture = shell().file(10, 3, "/etc", flags="O_DIRECTORY")
    capture.event("openat", 10, fd=4, dirfd=dirfd, name=name, flags="O_RDONLY")

    assert see(capture, "fd.name") == [path]


def test_what_the_call_was_given_counts_not_what_was_there_when_it_returned(see) -> None:
    capture = (
        shell()
        .event("SYSCALL_OPEN_E", 10, name="/etc/shadow", flags="O_RDONLY")
        .event("open", 10, fd=3, name="/tmp/harmless", flags="O_RDONLY|O_F_CREATED")
        .event("open", 10, fd=4, name="/tmp/other", flags="O_RDONLY")
    )

    assert see(capture, "fd.name") == ["/etc/shadow", "/tmp/other"]
    assert see(capture, "evt.arg.name")[0] == "/tmp/harmless"


def test_a_directory_is_told_by_the_flag(see) -> None:
    capture = (
        shell()
        .event("open", 10, fd=3, name="/etc", flags="O_DIRECTORY|O_RDONLY")
        .event("open", 10, fd=4, name="/etc", flags="O_RDONLY")
    )

    assert see(capture, "fd.typechar", "fd.directory", "fd.filename") == [("d", "/etc", None), ("f", "/", "etc")]


def test_a_failed_open_tells_its_path_all_the_same(see) -> None:
    capture = shell().event("openat", 10, fd="ENOENT", dirfd="AT_FDCWD", name="a", flags="O_RDONLY")

    assert see(capture, "fd.name", "fd.nameraw", "fd.num", "fd.typechar", "fd.type", "fd.directory") == [
        ("/home/a", "a", -1, "f", None, "/home")
    ]


def test_a_descriptor_is_closed_after_the_event(see) -> None:
    capture = (
        shell()
        .file(10, 3, "/f")
        .event("close", 10, res="EIO", fd=3)
        .event("close", 10, res=0, fd=3)
        .event("read", 10, res=0, fd=3)
    )

    assert see(capture, "fd.name") == ["/f", "/f", ""]


def test_a_copy_is_a_descriptor_of_its_own(see) -> None:
    capture = (
        shell()
        .file(10, 3, "/f")
        .event("dup2", 10, res=7, oldfd=3, newfd=7)
        .event("close", 10, res=0, fd=3)
        .event("read", 10, res=0, fd=7)
        .event("fcntl", 10, res=8, fd=7, cmd="F_DUPFD_CLOEXEC")
        .event("execve", 10, res=0, exe="x", comm="x")
        .event("read", 10, res=0, fd=7)
        .event("read", 10, res=0, fd=8)
    )

    assert see(capture, "fd.num", "fd.name") == [
        *((7, "/f"), (3, "/f"), (7, "/f"), (8, "/f"), (None, None), (7, "/f"), (8, "")),
    ]


def test_ranges_are_closed_or_marked(see) -> None:
    capture = (
        shell()
        .file(10, 3, "/a")
        .file(10, 4, "/b")
        .file(10, 9, "/c")
        .event("close_range", 10, res=0, first=3, last=3, flags=0)
        .event("close_range", 10, res=0, first=4, last=8, flags="CLOSE_RANGE_CLOEXEC")
        .event("read", 10, res=0, fd=3)
        .event("read", 10, res=0, fd=4)
        .event("execve", 10, res=0, exe="x", comm="x")
        .event("read", 10, res=0, fd=4)
        .event("read", 10, res=0, fd=9)
    )

    assert [name for name in see(capture, "fd.name") if name is not None] == ["", "/b", "", "/c"]


@pytest.mark.parametrize(
    ("event", "params", "letter"),
    [
        ("pipe", {"res": 0, "fd1": 4, "fd2": 5}, "p"),
        ("eventfd2", {"res": 5}, "e"),
        ("signalfd4", {"res": 5, "fd": -1}, "s"),
        ("timerfd_create", {"res": 5}, "t"),
        ("inotify_init1", {"res": 5}, "i"),
        ("epoll_create1", {"res": 5}, "l"),
        ("io_uring_setup", {"res": 5}, "r"),
        ("userfaultfd", {"res": 5}, "u"),
        ("memfd_create", {"fd": 5, "name": "x"}, "m"),
        ("pidfd_open", {"fd": 5, "pid": 10}, "P"),
        ("bpf", {"fd": 5, "cmd": "BPF_MAP_CREATE"}, "b"),
        ("socketpair", {"res": 0, "fd1": 4, "fd2": 5}, "u"),
    ],
)
def test_calls_make_descriptors_of_their_type(see, event: str, params: dict[str, object], letter: str) -> None:
    capture = shell().event(event, 10, **params).event("read", 10, res=0, fd=5)

    assert see(capture, "fd.num", "fd.typechar") == [(5, letter), (5, letter)]


def test_most_bpf_commands_return_no_descriptor(see) -> None:
    capture = (
        shell().file(10, 0, "/in").event("bpf", 10, fd=0, cmd="BPF_MAP_LOOKUP_ELEM").event("read", 10, res=0, fd=0)
    )

    assert see(capture, "fd.name")[1] == "/in"


def test_a_descriptor_of_another_process_can_be_had(see) -> None:
    capture = (
        shell()
        .process(20, "cat")
        .file(20, 1, "/secret")
        .event("pidfd_open", 10, fd=3, pid=20)
        .event("pidfd_getfd", 10, fd=4, pid_fd=3, target_fd=1)
        .event("read", 10, res=0, fd=4)
    )

    assert see(capture, "fd.name")[1:] == ["/secret", "/secret"]


def test_a_name_change_is_told_once(see) -> None:
    capture = (
        shell()
        .event("open", 10, fd=3, name="/f", flags="O_RDONLY")
        .event("read", 10, res=0, fd=3)
        .event("dup", 10, res=4, oldfd=3)
    )

    assert see(capture, "fd.name_changed") == [True, False, False]


def test_a_full_table_keeps_what_it_has_and_says_so() -> None:
    table = DescriptorTable()
    for number in range(MOST_DESCRIPTORS + 2):
        table.put(number, Descriptor(FdType.FIFO))
    table.put(5, Descriptor(FdType.EVENT))

    assert len(table) == MOST_DESCRIPTORS
    assert table.dropped == 2
    assert table[5].type is FdType.EVENT


def test_types_of_all_descriptors_are_listed_once(see) -> None:
    capture = (
        shell().file(10, 3, "/f").file(10, 4, "/g").fd(10, FdInfo(fd=5, type=FdType.FIFO)).event("close", 10, fd=9)
    )

    assert see(capture, "fd.types", "fd.types[5]", "fd.types[6]") == [(["file", "pipe"], ["pipe"], None)]
