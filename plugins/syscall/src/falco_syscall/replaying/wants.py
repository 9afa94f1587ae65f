"""What somebody wants to see of the events of a chunk, as tables: all that is asked of them before they are decoded."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.chunks import Mask
from falco_syscall.state.opening import O_DIRECTORY

O_RDONLY, O_WRONLY, IS_DIRECTORY = 1, 2, 4
_READS_OR_WRITES: Final = O_RDONLY | O_WRONLY
INTENTS_A_CALL: Final = 8


class Wants(NamedTuple):
    """What rules and the state want. Plain tables, so that another process can be told.

    Attributes:
        token: Another one for each ruleset of this process.
        wanted: By ``code * OUTCOMES + outcome``: whether a rule may match such an event.
        ever_wanted: By code: the same whatever the outcome.
        generic: By number of a call without an event of its own: the same.
        opens: By intent: whether a rule may match such an open.
        changes: By code: whether such an event may change what is remembered.
        changes_failed: Whether it may do so although the call failed.
        marks_connections: Whether moving data is such a change.
    """

    token: int
    wanted: Mask
    ever_wanted: Mask
    generic: Mask
    opens: Mask
    changes: Mask
    changes_failed: Mask
    marks_connections: bool


def intents(call: int, flags: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """The intents of opens with these flags; *call*: its place in ``OPENING_CODES``."""
    bits = (flags & _READS_OR_WRITES) | (flags & O_DIRECTORY > 0) * np.uint32(IS_DIRECTORY)
    return bits.astype(np.int64) + call * INTENTS_A_CALL
