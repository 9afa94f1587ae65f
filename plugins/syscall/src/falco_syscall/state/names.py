"""Domain names: which of those that rules mention an address has.

``fd.sip.name = example.com`` asks whether the address is one of those that the name has now. Names are looked up
ahead, by a thread of their own, and again from time to time: no event waits for a name server.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

Lookup: TypeAlias = Callable[[str], frozenset[bytes]]
"""The addresses (4 or 16 bytes) of a name; none if it cannot be looked up."""

MOST_NAMES: Final = 10_000
_PATIENCE_S: Final = 2.0
"""How long the first answers are waited for before the first event."""
_SHORTEST_S: Final = 10.0
_LONGEST_S: Final = 320.0


@dataclass(slots=True)
class _Watched:
    """A name. *wait_s* doubles as long as its addresses stay the same."""

    addresses: frozenset[bytes] | None = None
    due_s: float = 0.0
    wait_s: float = _SHORTEST_S


def look_up(name: str) -> frozenset[bytes]:
    """The addresses of a name, as the machine's resolver knows them."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    packed = (socket.inet_pton(family, str(address[0]).partition("%")[0]) for family, _, _, _, address in found)
    return frozenset(packed)


class Names:
    """The names that rules mention.

    Attributes:
        refused: Names beyond ``MOST_NAMES``, which nobody looks up.
    """

    def __init__(self, lookup: Lookup = look_up) -> None:
        self._lookup = lookup
        self._watched: dict[str, _Watched] = {}
        self._of: dict[bytes, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None
        self.refused = 0

    def __deepcopy__(self, _memo: dict[int, object]) -> Names:
        return self  # what the world calls an address is the same for every copy

    def of(self, ip: bytes) -> tuple[str, ...]:
        """The watched names that have this address."""
        return self._of.get(ip, ())

    def watch(self, names: Iterable[str]) -> None:
        """Look these names up too; comes back when there are answers, or after a moment without."""
        with self._lock:
            new = set(names) - self._watched.keys()
            room = MOST_NAMES - len(self._watched)
            self.refused += max(len(new) - room, 0)
            for name in sorted(new)[:room]:
                self._watched[name] = _Watched()
        if not new:
            return
        self._answered.clear()
        self._wake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=_refresh, args=(weakref.ref(self), self._wake), daemon=True)
            self._thread.start()
        self._answered.wait(_PATIENCE_S)

    def refresh(self) -> float:
        """Look up what is due; the seconds until something is again."""
        with self._lock:
            watched = list(self._watched.items())
        for name, one in watched:
            now_s = time.monotonic()
            if one.due_s > now_s:
                continue
            addresses = self._lookup(name)
            is_same = addresses == one.addresses
            one.wait_s = min(one.wait_s * 2, _LONGEST_S) if is_same else _SHORTEST_S
            one.addresses, one.due_s = addresses, now_s + one.wait_s
            if not is_same:
                self._of = _by_address(watched)
        self._answered.set()
        return max(min((one.due_s for _, one in watched), default=0.0) - time.monotonic(), 0.0)


def _by_address(watched: Iterable[tuple[str, _Watched]]) -> dict[bytes, tuple[str, ...]]:
    of: dict[bytes, tuple[str, ...]] = {}
    for name, one in watched:
        for address in one.addresses or ():
            of[address] = (*of.get(address, ()), name)
    return of


def _refresh(names: weakref.ref[Names], wake: threading.Event) -> None:
    """Refresh as long as somebody holds the names."""
    wait_s = 0.0
    while True:
        wake.wait(wait_s)
        wake.clear()
        held = names()
        if held is None:
            return
        wait_s = min(held.refresh(), _SHORTEST_S)
        del held
