"""Which events change what is remembered, told before they are decoded."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.event import HAS_RESULT
from falco_syscall.state import resources, sockets
from falco_syscall.state.families import HANDLERS

_MEMORY_FIELDS: Final = frozenset(
    f"{prefix}.{name}"
    for prefix in ("proc", "thread")
    for name in ("vmsize", "vmsize.b", "vmrss", "vmrss.b", "vmswap", "pfmajor", "pfminor")
)
_EVEN_FAILED: Final = frozenset({CODES["SOCKET_CONNECT_X"], CODES["SYSCALL_MEMFD_CREATE_X"], *resources.MEMORY_CODES})
"""Calls that change something although they failed.

A connection may be under way, memory is told in any case, and memfd_create leaves a descriptor as in Falco.
"""


class Effects:
    """Which events matter to those who read certain fields.

    Attributes:
        changes: By current code: whether such an event may change what is remembered.
        changes_failed: Whether it may do so although the call failed.
    """

    def __init__(self, needs: AbstractSet[str]) -> None:
        """*needs*: fields, as ``name`` or ``name[argument]``."""
        read = {use.partition("[")[0] for use in needs}
        handled = set(HANDLERS)
        if not read & _MEMORY_FIELDS:
            handled -= resources.MEMORY_CODES
        self.marks_connections = "fd.connected" in read
        if not self.marks_connections:
            handled -= sockets.PLAIN_TRANSFERS
        self.changes = _table(handled)
        self.changes_failed = _table(code for code in handled if code in _EVEN_FAILED or not HAS_RESULT[code])


def _table(codes: Iterable[int]) -> npt.NDArray[np.bool_]:
    table = np.zeros(len(EVENTS), np.bool_)
    table[list(codes)] = True
    return table


TUPLE_AT: Final = np.full(len(EVENTS), -1)
"""By code: which parameter has the ends of a connection; a transfer without them moves only data."""
for _code, _index in sockets.TUPLES.items():
    TUPLE_AT[_code] = _index
