"""Sets of networks: whether an address lies in one of many, by bisection over merged intervals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from falco.fields.model import Address


class Networks:
    """The addresses of some networks; an address of the other IP version is never one of them."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        all_ = list(networks)
        self._intervals = {version: _merged(n for n in all_ if n.version == version) for version in (4, 6)}

    def __contains__(self, address: Address) -> bool:
        starts, ends = self._intervals[address.version]
        number = int(address)
        at = bisect_right(starts, number) - 1
        return at >= 0 and number <= ends[at]


def _merged(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[list[int], list[int]]:
    """First and last addresses of the intervals that *networks* cover, ascending, apart from one another."""
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted((int(n.network_address), int(n.broadcast_address)) for n in networks):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
