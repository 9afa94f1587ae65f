"""Values at the edges of what an event can say, as Falco has them."""

import pytest

from falco.testing import run_rules
from falco_syscall.capture import FdInfo, FdType
from falco_syscall.capture.builder import CaptureBuilder


@pytest.fixture
def matching(tmp_path):
    """``matching(capture, condition)``: the numbers of the events that match."""

    def run(capture: CaptureBuilder, condition: str) -> list[int]:
        rules = tmp_path / "rules.yaml"
        rules.write_text(f"- {{rule: r, desc: d, priority: INFO, output: o, condition: '{condition}'}}")
        path = capture.write(tmp_path / "in.scap")
        return [found.num for found in run_rules(rules, open_params=str(path), source="syscall")]

    return run


def shell() -> CaptureBuilder:
    return CaptureBuilder().process(10, "sh", cwd="/home/", fdlimit=100)


def test_what_old_drivers_wrote_for_a_path_they_could_not_read_is_absent_however_it_is_asked_for(see) -> None:
    capture = shell().event("chdir", 10, res=0, path="(NULL)").event("chdir", 10, res=0, path=None)

    rows = see(capture, "evt.arg.path", "evt.arg[1]", "evt.rawarg.path", "evt.args")

    assert rows == [("<NA>", "<NA>", "<NA>", "res=0 path=<NA>")] * 2


def test_an_empty_path_is_a_path(see) -> None:
    assert see(shell().event("chdir", 10, res="ENOENT", path=""), "evt.arg.path", "evt.rawarg.path") == [("", "")]


def test_a_path_of_a_handle_has_the_limit_of_all_paths(see) -> None:
    capture = shell().event("open_by_handle_at", 10, fd=4, mountfd=5, flags="O_RDWR", path="/" + "x" * 1024)

    assert see(capture, "evt.abspath", "fd.name") == [("/DIR_TOO_LONG/FILENAME_TOO_LONG",) * 2]


def test_numbers_of_processes_in_a_namespace_may_exceed_32_bits(see) -> None:
    large = 0x100000010
    capture = CaptureBuilder().process(large, "a", vtid=large, vpid=large).process(12, "b", vpid=-1, vtid=-1)
    capture.event("close", large, res=0, fd=9).event("close", 12, res=0, fd=9)

    assert see(capture, "proc.vpid", "thread.vtid") == [(large, large), (None, None)]


def test_an_account_may_have_an_empty_name_and_root_is_known_without_an_account(see) -> None:
    named = CaptureBuilder().process(10, "sh", uid=0).user(0, "").event("close", 10, res=0, fd=9)
    unnamed = CaptureBuilder().process(10, "sh", uid=0).event("close", 10, res=0, fd=9)
    fields = ("user.name", "user.homedir", "user.shell")

    assert see(named, *fields) == [("", "", "")]
    assert see(unnamed, *fields) == [("root", "/root", "<NA>")]


def test_an_address_is_local_where_an_interface_has_it_or_for_ipv6_its_first_half(see) -> None:
    capture = shell().interface("lo", "127.0.0.1", netmask="255.0.0.0")
    capture.interface("lo", "::1", netmask="ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    for fd, dest in enumerate(("127.0.0.1", "127.0.0.53"), 4):
        capture.event("socket", 10, fd=fd, domain="AF_INET", type=1)
        capture.event("connect", 10, res=0, fd=fd, tuple=("192.0.2.9", 1, dest, 80), addr=(dest, 80))
    for fd, dest in enumerate(("::9", "2001:db8::1"), 6):
        capture.event("socket", 10, fd=fd, domain="AF_INET6", type=1)
        capture.event("connect", 10, res=0, fd=fd, tuple=("2001:db8::9", 1, dest, 80), addr=(dest, 80))

    assert see(capture, "fd.is_server")[1::2] == [True, False, True, False]


def test_a_memfd_that_could_not_be_made_counts_as_open_under_the_number_of_its_error(see) -> None:
    capture = shell().file(10, 3, "/f").event("memfd_create", 10, fd="EINVAL", name="x", flags=0)
    capture.event("close", 10, res=0, fd=3).event("close", 10, res="EBADF", fd=9)

    rows = see(capture, "fd.num", "fd.typechar", "proc.fdopencount")

    assert rows == [(-22, "?", 2), (3, "f", 2), (9, "o", 1)]


def test_a_failed_call_about_memory_on_something_that_is_no_file_counts_twice(see) -> None:
    capture = shell().event("memfd_create", 10, fd="EINVAL", name="x", flags=0).event("munmap", 10, res="EINVAL")

    rows = see(capture, "evt.count.error.memory", "evt.count.error.other", "evt.count.error.file")

    assert rows == [(1, 1, None), (1, None, None)]


def test_a_path_of_a_socket_is_shown_as_the_capture_has_it(see) -> None:
    socket = FdInfo(fd=5, type=FdType.UNIX_SOCKET, name="/run/docker.sock\n")

    assert see(shell().fd(10, socket).event("write", 10, res=1, data=b"x", fd=5, size=1), "fd.name") == [socket.name]


def test_addresses_and_their_names_exist_for_every_descriptor_but_satisfy_nothing_where_there_are_none(
    matching,
) -> None:
    capture = shell().file(10, 3, "/f").event("read", 10, res=0, fd=3).event("read", 10, res="EBADF", fd=9)

    assert matching(capture, "fd.ip exists") == matching(capture, "fd.sip.name exists") == [1]
    assert matching(capture, "not fd.port exists") == [2]
    for condition in ("fd.ip = 10.0.0.1", "fd.ip != 10.0.0.1", "fd.port != 80", "fd.net != 10.0.0.0/8"):
        assert matching(capture, condition) == []
    assert matching(capture, "fd.sip.name != example.org") == []
