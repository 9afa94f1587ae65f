"""The descriptors of processes; those of files stay undecoded until somebody looks at them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, MutableMapping, ValuesView
from struct import Struct
from typing import Final, TypeAlias

from falco import text_from_bytes as from_bytes
from falco_syscall.state.descriptors import CLOEXEC, CONNECTIONS, Descriptor
from falco_syscall.state.opening import OPEN_CALLS, OpenCall, opened
from falco_syscall.state.paths import ABSENT, UNREADABLE

MOST_DESCRIPTORS: Final = 4096
"""Descriptors a process; further ones are not kept."""


class Shared:
    """A descriptor that several processes have since a fork, as long as none looks at it."""

    __slots__ = ("original",)

    def __init__(self, original: Descriptor) -> None:
        self.original = original
        """Never changed."""


Undecoded: TypeAlias = "bytes | tuple[str, bytes]"
"""An opening event from its code on, as it was stored; with the working directory if its path is relative.

Only events that need no second look: of open, openat and openat2, all parameters of the right size, and no descriptor
that the path starts from.
"""
Entry: TypeAlias = "Descriptor | Undecoded | Shared"

_KIND: Final = Struct("<HI")
_LENGTH: Final = Struct("<H")


def decoded(entry: Undecoded | Shared) -> Descriptor:
    """The descriptor that an opening event made, or the own one of a process that shares it."""
    if isinstance(entry, Shared):
        return entry.original.copied()
    base, event = (".", entry) if isinstance(entry, bytes) else entry
    call, count, name_at, name_end = _layout(event)
    name = from_bytes(event[name_at:name_end])
    ends, at = {}, name_end
    for index in range(call.name + 1, count):
        (size,) = _LENGTH.unpack_from(event, _KIND.size + 2 * index)
        ends[index] = int.from_bytes(event[at : at + size], "little")
        at += size
    name = ABSENT if name == UNREADABLE else name
    return opened(base, name, ends[call.flags], ends.get(call.dev, 0), ends.get(call.ino, 0))


def closes_on_exec(entry: Entry) -> bool:
    """Whether a successful exec closes a descriptor."""
    if isinstance(entry, bytes):
        event = entry
    elif isinstance(entry, Shared):
        return entry.original.closes_on_exec
    elif isinstance(entry, tuple):
        event = entry[1]
    else:
        return entry.closes_on_exec
    # The second byte of the flags: there is no quicker way, and exec asks for every descriptor.
    name = OPEN_CALLS[event[0] | event[1] << 8].name
    length_at = 6 + 2 * name
    flags_at = 6 + 2 * event[2] + 8 * name + (event[length_at] | event[length_at + 1] << 8)
    return bool(event[flags_at + 1] & CLOEXEC >> 8)


def _layout(event: bytes) -> tuple[OpenCall, int, int, int]:
    """The call, its number of parameters, and where the path begins and ends."""
    code, count = _KIND.unpack_from(event)
    call = OPEN_CALLS[code]
    name_at = _KIND.size + 2 * count + 8 * call.name
    return call, count, name_at, name_at + _LENGTH.unpack_from(event, _KIND.size + 2 * call.name)[0]


class DescriptorTable(MutableMapping[int, Descriptor]):
    """The descriptors of a process by number, at most ``MOST_DESCRIPTORS``.

    Attributes:
        entries: As they are kept; whoever changes it keeps the limit.
        dropped: How many were not kept.
    """

    __slots__ = ("dropped", "entries")

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.dropped = 0

    def __getitem__(self, number: int) -> Descriptor:
        entry = self.entries[number]
        if not isinstance(entry, Descriptor):
            entry = self.entries[number] = decoded(entry)
        return entry

    def __setitem__(self, number: int, descriptor: Descriptor) -> None:
        self.entries[number] = descriptor

    def __delitem__(self, number: int) -> None:
        del self.entries[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, number: int) -> Descriptor | None:  # type: ignore[override] # nobody gives another default
        """What *number* stands for; None if that is not known."""
        entry = self.entries.get(number)
        return entry if entry is None or isinstance(entry, Descriptor) else self[number]

    def items(self) -> ItemsView[int, Descriptor]:
        """All descriptors with their numbers."""
        self._decode()
        return super().items()

    def values(self) -> ValuesView[Descriptor]:
        """All descriptors."""
        self._decode()
        return super().values()

    def put(self, number: int, descriptor: Descriptor) -> bool:
        """Let *number* stand for *descriptor* from now on; False if the table is full."""
        return self.enter(number, descriptor)

    def enter(self, number: int, entry: Entry) -> bool:
        """``put`` of what may not be decoded yet."""
        entries = self.entries
        if len(entries) >= MOST_DESCRIPTORS and number not in entries:
            self.dropped += 1
            return False
        entries[number] = entry
        return True

    def forget(self, number: int) -> None:
        """Let *number* stand for nothing."""
        self.entries.pop(number, None)

    def copy_entry(self, old: int, new: int) -> None:
        """Let *new* stand for what *old* does, and stay open on exec: a dup that nobody looks at."""
        entry = self.entries.get(old)
        if entry is None:
            return
        if not isinstance(entry, Descriptor) and closes_on_exec(entry):
            entry = self[old]
        if isinstance(entry, Descriptor):
            entry = entry.copied()
            entry.set_close_on_exec(on=False)
        self.enter(new, entry)

    def mark_connected(self, number: int) -> None:
        """Note that *number* moved data: if it is an IP socket, it is connected."""
        entry = self.entries.get(number)
        if isinstance(entry, Descriptor) and entry.type in CONNECTIONS:
            entry.is_connected = True

    def copy_from(self, other: DescriptorTable) -> None:
        """Take over everything in *other*: a fork."""
        for number, entry in other.entries.items():
            if isinstance(entry, Descriptor):
                other.entries[number] = Shared(entry)
        if not self.entries:
            self.entries = other.entries.copy()
            return
        for number, entry in other.entries.items():
            self.enter(number, entry)

    def close_on_exec(self) -> None:
        """Forget what exec closes."""
        for number in [number for number, entry in self.entries.items() if closes_on_exec(entry)]:
            del self.entries[number]

    def _decode(self) -> None:
        for number, entry in self.entries.items():
            if not isinstance(entry, Descriptor):
                self.entries[number] = decoded(entry)
