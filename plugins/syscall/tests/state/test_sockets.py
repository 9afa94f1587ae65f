from ipaddress import ip_address

import pytest

from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.state.addresses import address_text, read_tuple, tuple_text


def client() -> CaptureBuilder:
    return (
        CaptureBuilder()
        .process(10, "curl")
        .interface("lo", "127.0.0.1", netmask="255.0.0.0")
        .interface("eth0", "10.0.0.5")
    )


def test_a_connection_has_the_client_first(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET", type=1)
        .event("connect", 10, res="EINPROGRESS", fd=3, tuple=("10.0.0.5", 4000, "1.2.3.4", 443))
    )

    assert see(capture, "fd.name", "fd.l4proto", "fd.cip", "fd.sport", "fd.connected", "fd.is_server") == [
        ("", "<NA>", None, None, False, False),
        ("10.0.0.5:4000->1.2.3.4:443", "tcp", ip_address("10.0.0.5"), 443, True, False),
    ]


def test_a_refused_connection_changes_nothing(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET", type=1)
        .event("connect", 10, res="ECONNREFUSED", fd=3, tuple=("10.0.0.5", 4000, "1.2.3.4", 443))
    )

    assert see(capture, "fd.name", "fd.connected")[1] == ("", False)


def test_a_server_has_an_address_and_its_connections_both(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET", type=1)
        .event("bind", 10, res=0, addr=("10.0.0.5", 80), fd=3)
        .event("accept4", 10, fd=4, tuple=("1.2.3.4", 999, "10.0.0.5", 80))
        .event("read", 10, res=1, fd=4)
    )

    rows = see(capture, "fd.name", "fd.sip", "fd.sport", "fd.cport", "fd.is_server")
    assert rows[1] == ("10.0.0.5:80", ip_address("10.0.0.5"), 80, None, True)
    assert rows[2] == rows[3] == ("1.2.3.4:999->10.0.0.5:80", ip_address("10.0.0.5"), 80, 999, True)


def test_an_ipv6_socket_that_talks_ipv4_has_an_ipv4_connection(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET6", type=1)
        .event("connect", 10, res=0, fd=3, tuple=("::ffff:10.0.0.5", 4000, "::ffff:1.2.3.4", 443))
    )

    assert see(capture, "fd.name", "fd.type", "fd.l4proto")[1] == ("10.0.0.5:4000->1.2.3.4:443", "ipv4", "tcp")


def test_a_datagram_socket_follows_its_traffic(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET", type=2)
        .event("sendto", 10, res=1, fd=3, tuple=("0.0.0.0", 5000, "10.0.0.9", 53))
        .event("recvfrom", 10, res=1, fd=3, tuple=("10.0.0.9", 53, "10.0.0.5", 5000))
        .event("sendto", 10, res=1, fd=3, tuple=("10.0.0.5", 5000, "10.0.0.8", 53))
    )

    assert see(capture, "fd.name", "fd.name_changed")[1:] == [
        ("10.0.0.5:5000->10.0.0.9:53", True),
        ("10.0.0.5:5000->10.0.0.9:53", False),
        ("10.0.0.5:5000->10.0.0.8:53", True),
    ]


@pytest.mark.parametrize(("own", "peer"), [("10.0.0.5", "10.0.0.9"), ("fd00::5", "fd00::9")])
def test_a_bound_datagram_socket_is_a_server(see, own: str, peer: str) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET" if "." in own else "AF_INET6", type=2)
        .event("bind", 10, res=0, addr=(own, 53), fd=3)
        .event("recvfrom", 10, res=1, fd=3, tuple=(peer, 5000, own, 53))
        .event("sendto", 10, res=1, fd=3, tuple=(own, 53, peer, 5000))
    )

    rows = see(capture, "fd.sip", "fd.sport", "fd.cport", "fd.connected", "fd.l4proto")
    assert rows[2] == (ip_address(own), 53, 5000, False, "udp")
    assert rows[3] == (ip_address(own), 53, 5000, True, "udp")


def test_connections_of_a_process_list_are_turned_by_the_ports_that_are_served(see) -> None:
    capture = (
        client()
        .socket(10, 3, ("10.0.0.5", 80))
        .socket(10, 4, ("10.0.0.5", 80), ("1.2.3.4", 999))
        .socket(10, 5, ("10.0.0.5", 4000), ("1.2.3.4", 443))
        .event("read", 10, res=0, fd=4)
        .event("read", 10, res=0, fd=5)
    )

    assert see(capture, "fd.name", "fd.lport", "fd.rport") == [
        ("1.2.3.4:999->10.0.0.5:80", 80, 999),
        ("10.0.0.5:4000->1.2.3.4:443", 4000, 443),
    ]


def test_either_end_answers_for_both(see) -> None:
    capture = client().socket(10, 5, ("10.0.0.5", 4000), ("1.2.3.4", 443)).file(10, 3, "/f")
    capture.event("read", 10, res=0, fd=5).event("read", 10, res=0, fd=3)

    assert see(capture, "fd.ip", "fd.port") == [
        ((ip_address("10.0.0.5"), ip_address("1.2.3.4")), (4000, 443)),
        ((), ()),
    ]


def test_raw_sockets_have_no_ports_in_their_names(see) -> None:
    capture = (
        client()
        .event("socket", 10, fd=3, domain="AF_INET", type=3, proto=1)
        .event("sendto", 10, res=8, fd=3, tuple=("10.0.0.5", 1, "10.0.0.9", 1))
    )

    assert see(capture, "fd.name", "fd.l4proto")[1] == ("10.0.0.5->10.0.0.9", "raw")


@pytest.mark.parametrize("raw", [b"", b"\2", b"\2" + bytes(12), b"\n" + bytes(30), b"\1\0\0", b"\x63rest"])
def test_damaged_addresses_have_a_text_and_no_value(raw: bytes) -> None:
    assert (raw[:1] == b"\2" and len(raw) == 13) or read_tuple(raw) is None
    assert isinstance(tuple_text(raw), str)
    assert isinstance(address_text(raw), str)
