"""Captures (``.scap`` files): the event table, reading, conversion of old events, writing."""

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
