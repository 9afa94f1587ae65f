"""Captures (``.scap`` files): the event table, reading, conversion of old events, writing.

A file passes through `stream` (gzip), `blocks` (frames), `metadata_blocks` and `stored_event` (their
content) and `conversion` (to the current schema); `reader` does it one event at a time, `chunks` finds
the events of a whole chunk without decoding them. `writer` goes the other way; `builder` makes small
captures from Python values, for tests. `event_table` and `linux` say what codes and numbers mean.
"""

from falco_syscall.capture.capture_file import Problem
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.metadata import (
    Comment,
    FdInfo,
    FdList,
    FdType,
    Group,
    Interface,
    InterfaceList,
    L4Protocol,
    MachineInfo,
    Metadata,
    ProcessInfo,
    ProcessList,
    Section,
    User,
    UserList,
)
from falco_syscall.capture.reader import CaptureReader
from falco_syscall.capture.writer import CaptureWriter

__all__ = [
    "CaptureError",
    "CaptureEvent",
    "CaptureReader",
    "CaptureWriter",
    "Comment",
    "FdInfo",
    "FdList",
    "FdType",
    "Group",
    "Interface",
    "InterfaceList",
    "L4Protocol",
    "MachineInfo",
    "Metadata",
    "Problem",
    "ProcessInfo",
    "ProcessList",
    "Section",
    "User",
    "UserList",
]
