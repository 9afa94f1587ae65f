"""Memory that two processes share, in slots: large values go from one to the other without a pipe."""

from __future__ import annotations

import os
import pickle
from mmap import mmap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Data

SLOTS: Final = 3
SLOT_BYTES: Final = 32 << 20
"""Only what is used of it takes memory."""
_ALIGNED: Final = 64


class Parcel(NamedTuple):
    """A value on its way.

    Attributes:
        slot: Where its large parts are.
        pickled: The value; of its arrays only their types, unless they did not fit.
        places: Offset and size of each array in the slot.
        data: The bytes that come with it if they are not at the start of the slot, because they did not fit.
    """

    slot: int
    pickled: bytes
    places: tuple[tuple[int, int], ...] = ()
    data: bytes | None = None


class Slots:
    """The memory.

    Args:
        descriptor: Of memory of ``SLOTS * SLOT_BYTES`` bytes.
    """

    def __init__(self, descriptor: int) -> None:
        self._slots = [mmap(descriptor, SLOT_BYTES, offset=slot * SLOT_BYTES) for slot in range(SLOTS)]

    @staticmethod
    def create() -> int:
        """A descriptor of new memory, which ends with the last process that has it.

        Raises:
            OSError: There is none.
        """
        descriptor = os.memfd_create("falco")
        os.truncate(descriptor, SLOTS * SLOT_BYTES)
        return descriptor

    def put(self, slot: int, value: object, data: Data) -> Parcel:
        """Write *value* and *data* into a slot that nobody reads."""
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, 5, buffer_callback=buffers.append)
        parts = [buffer.raw() for buffer in buffers]
        places, end = [], len(data)
        for part in parts:
            at = -(-end // _ALIGNED) * _ALIGNED
            end = at + part.nbytes
            places.append((at, part.nbytes))
        if end > SLOT_BYTES:
            return Parcel(slot, pickle.dumps(value, 5), data=bytes(data))
        memory = self._slots[slot]
        memory[: len(data)] = data
        for (at, size), part in zip(places, parts, strict=True):
            memory[at : at + size] = part
        return Parcel(slot, pickled, tuple(places))

    def take(self, parcel: Parcel) -> tuple[Any, Data]:
        """The value of a parcel and its data; they are gone when something else is put into the slot."""
        memory = self._slots[parcel.slot]
        whole = memoryview(memory)
        buffers = [whole[at : at + size] for at, size in parcel.places]
        value = pickle.loads(parcel.pickled, buffers=buffers)  # noqa: S301  comes from our own process
        return value, memory if parcel.data is None else parcel.data
