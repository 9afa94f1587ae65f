"""The descriptors of processes; those of files stay undecoded until somebody looks at them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, MutableMapping, ValuesView
from struct import Struct
from typing import Final, TypeAlias

from msgspec.structs import replace

from falco import text_from_bytes as from_bytes
from falco_syscall.state.descriptors import CONNECTIONS, MAY_CLOSE, Descriptor
from falco_syscall.state.opening import OPEN_CALLS, OpenCall, opened
from falco_syscall.state.paths import ABSENT, UNREADABLE

MOST_DESCRIPTORS: Final = 4096
"""Descriptors a process; further ones are not kept."""


Undecoded: TypeAlias = "bytes | tuple[str, bytes, bool]"
"""An opening event from its code on, as it was stored: alone if its path is absolute and exec leaves the file open,
otherwise with the working directory (``.`` if the path is absolute) and whether exec closes the file.

Only events that need no second look: of open, openat and openat2, all parameters of the right size, and no descriptor
that the path starts from.
"""
Entry: TypeAlias = "Descriptor | Undecoded"

_KIND: Final = Struct("<HI")
_LENGTH: Final = Struct("<H")


def decoded(entry: Undecoded) -> Descriptor:
    """The descriptor that an opening event made."""
    base, event = (".", entry) if isinstance(entry, bytes) else entry[:2]
    call, count, name_at, name_end = _layout(event)
    name = from_bytes(event[name_at:name_end])
    ends, at = {}, name_end
    for index in range(call.name + 1, count):
        (size,) = _LENGTH.unpack_from(event, _KIND.size + 2 * index)
        ends[index] = int.from_bytes(event[at : at + size], "little")
        at += size
    name = ABSENT if name == UNREADABLE else name
    return opened(base, name, ends[call.flags], ends.get(call.dev, 0), ends.get(call.ino, 0))


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

    def copy_entry(self, old: int, new: int, *, closes_on_exec: bool) -> None:
        """Let *new* stand for what *old* does: a dup that nobody looks at."""
        entry = self.entries.get(old)
        if entry is None:
            return
        if closes_on_exec or (isinstance(entry, tuple) and entry[2]):
            entry = self[old]
        if isinstance(entry, Descriptor):
            entry = entry.closing_on_exec(on=closes_on_exec)
        self.enter(new, entry)

    def mark_connected(self, number: int) -> None:
        """Note that *number* moved data: if it is an IP socket, it is connected."""
        entry = self.entries.get(number)
        if isinstance(entry, Descriptor) and entry.type in CONNECTIONS and not entry.is_connected:
            self.entries[number] = replace(entry, is_connected=True)

    def copy_from(self, other: DescriptorTable) -> None:
        """Take over everything in *other*: a fork."""
        if not self.entries:
            self.entries = other.entries.copy()
            return
        for number, entry in other.entries.items():
            self.enter(number, entry)

    def close_on_exec(self) -> None:
        """Forget what exec closes."""
        closed = []
        for number, entry in self.entries.items():
            if isinstance(entry, tuple):
                if entry[2]:
                    closed.append(number)
            elif not isinstance(entry, bytes) and entry.flags & MAY_CLOSE and entry.closes_on_exec:
                closed.append(number)
        for number in closed:
            del self.entries[number]

    def _decode(self) -> None:
        for number, entry in self.entries.items():
            if not isinstance(entry, Descriptor):
                self.entries[number] = decoded(entry)
