"""Descriptors are values: tables share them and never change each other."""

from falco_syscall.capture import FdType
from falco_syscall.state.addresses import Endpoint, IpTuple
from falco_syscall.state.connections import between, exchanged, named_after_ends
from falco_syscall.state.descriptors import CLOEXEC, Descriptor, Role
from falco_syscall.state.sockets import new_socket
from falco_syscall.state.tables import DescriptorTable

CLIENT, SERVER = Endpoint(bytes([10, 0, 0, 1]), 4000), Endpoint(bytes([10, 0, 0, 2]), 443)


def table(**entries):
    made = DescriptorTable()
    for number, entry in entries.items():
        made.put(int(number.removeprefix("fd")), entry)
    return made


def test_a_forked_table_does_not_see_what_becomes_of_the_other():
    parent = table(fd3=new_socket(2, 1, 6, 0))
    child = DescriptorTable()
    child.copy_from(parent)

    parent.mark_connected(3)

    assert parent[3].is_connected
    assert not child[3].is_connected


def test_exec_forgets_only_what_it_closes():
    files = table(fd3=Descriptor(FdType.FIFO), fd4=Descriptor(FdType.FIFO, flags=CLOEXEC))

    files.close_on_exec()

    assert list(files) == [3]


def test_a_copy_closes_on_exec_only_if_it_is_told_to():
    files = table(fd3=Descriptor(FdType.FIFO, flags=CLOEXEC))

    files.copy_entry(3, 4, closes_on_exec=False)
    files.copy_entry(4, 5, closes_on_exec=True)
    files.copy_entry(9, 6, closes_on_exec=False)

    assert [(number, fd.closes_on_exec) for number, fd in files.items()] == [(3, True), (4, False), (5, True)]


def test_a_memfd_that_stays_open_has_neither_of_its_flags():
    memfd = Descriptor(FdType.MEMFD, flags=1)

    assert memfd.closes_on_exec
    assert memfd.closing_on_exec(on=False).flags == 0
    assert memfd.closing_on_exec(on=True).flags == CLOEXEC


def test_a_connection_is_named_after_its_ends_also_when_they_are_exchanged():
    connected = between(new_socket(2, 1, 6, 0), IpTuple(CLIENT, SERVER), role=Role.CLIENT)

    assert connected.name == "10.0.0.1:4000->10.0.0.2:443"
    assert exchanged(connected).name == connected.name
    assert named_after_ends(exchanged(connected)).name == "10.0.0.2:443->10.0.0.1:4000"


def test_raw_sockets_have_no_ports_in_their_names():
    raw = new_socket(2, 3, 1, 0)

    assert between(raw, IpTuple(CLIENT, SERVER), role=Role.CLIENT).name == "10.0.0.1->10.0.0.2"
