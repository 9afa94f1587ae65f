"""Sets of paths and of networks."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions import paths, patterns
from falco.conditions.networks import Networks

COMPONENTS = st.sampled_from(("a", "b", "ab", "*", "a*", "?", "[ab]", "", "x"))
PATHS = st.lists(COMPONENTS, max_size=4).map("/".join)
NETWORKS = st.ip_addresses(v=4).flatmap(
    lambda address: st.integers(0, 32).map(lambda length: ip_network((int(address), length), strict=False))
) | st.ip_addresses(v=6).flatmap(
    lambda address: st.integers(1, 128).map(lambda length: ip_network((int(address), length), strict=False))
)


def lies_below(value, prefix):
    """The definition, one path at a time."""
    parts = [part for part in value.split("/") if part]
    pattern = [part for part in prefix.split("/") if part]
    return len(pattern) <= len(parts) and all(
        patterns.glob(expected)(part) if set(expected) & set("*?[") else expected == part
        for expected, part in zip(pattern, parts, strict=False)
    )


@pytest.mark.parametrize(
    ("searched", "inside", "outside"),
    [
        (["/usr"], ["/usr", "/usr/lib", "usr//lib/", "//usr"], ["/us", "/usrx", "/", ""]),
        (["/"], ["/a", "", "/"], []),
        (["/usr", "/usr/lib"], ["/usr/bin"], ["/opt"]),
        (["/x*/v1", "/a*/v1"], ["/api/v1/pods", "/xy/v1"], ["/api/v2", "/b/v1"]),
        (["/api/v?/pods"], ["/api/v1/pods/x"], ["/api/v10/pods"]),
        (["/api/v[12]"], ["/api/v1"], ["/api/v3"]),
        ([], [], ["/a", ""]),
    ],
)
def test_a_path_belongs_to_a_directory_and_what_is_below(searched, inside, outside):
    matches = paths.matcher(searched)

    assert [value for value in inside if not matches(value)] == []
    assert [value for value in outside if matches(value)] == []


@given(st.lists(PATHS, max_size=6), st.lists(st.sampled_from(("a", "b", "ab", "x", "")), max_size=5).map("/".join))
def test_a_set_of_paths_decides_as_each_of_them_does(searched, value):
    assert paths.matcher(searched)(value) == any(lies_below(value, one) for one in searched)


def test_many_wildcards_do_not_multiply():
    searched = ["/".join(["*"] * depth) + f"/end{depth}" for depth in range(1, 60)]

    assert not paths.matcher(searched)("/a" * 5_000)


@given(st.lists(NETWORKS, max_size=8), st.ip_addresses())
def test_an_address_is_in_the_set_if_it_is_in_one_of_the_networks(networks, address):
    near = [network.network_address for network in networks] + [network.broadcast_address for network in networks]
    found = Networks(networks)

    for candidate in (address, *near, *(one + 1 for one in near if int(one) < 2**32 - 1)):
        expected = any(candidate.version == network.version and candidate in network for network in networks)
        assert (candidate in found) == expected


def test_an_address_of_the_other_version_is_in_no_network():
    assert ip_address("::10.0.0.1") not in Networks([ip_network("10.0.0.0/8")])
    assert ip_address("10.0.0.1") in Networks([ip_network("10.0.0.0/8"), ip_network("10.0.0.0/16")])


def test_networks_that_nearly_touch_stay_apart():
    found = Networks([ip_network("10.0.0.0/32"), ip_network("10.0.0.1/32"), ip_network("10.0.0.3/32")])

    assert [address for address in range(5) if ip_address("10.0.0.0") + address in found] == [0, 1, 3]
