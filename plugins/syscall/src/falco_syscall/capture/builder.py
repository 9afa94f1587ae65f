"""Builds small captures from Python values, for tests and examples.

capture = CaptureBuilder()
capture.process(10, "bash", exe="/bin/bash")
capture.event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/etc/shadow", flags="O_RDONLY")
events = list(capture.reader().events())
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal, Self

from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.event_table import CODES, EVENTS, VALUE_TABLES, EventInfo
from falco_syscall.capture.metadata import (
    FdInfo,
    FdList,
    FdType,
    Group,
    Interface,
    InterfaceList,
    L4Protocol,
    MachineInfo,
    ProcessInfo,
    ProcessList,
    User,
    UserList,
)
from falco_syscall.capture.old_schema import as_old
from falco_syscall.capture.reader import CaptureReader
from falco_syscall.capture.values import default, encode
from falco_syscall.capture.writer import CaptureWriter

START_NS: Final = 1_700_000_000_000_000_000
STEP_NS: Final = 1_000


@cache
def event_named(name: str) -> EventInfo:
    """The current event of a name: of a call the exit event; also by constant.

    Raises:
        KeyError: There is no such event.
    """
    if name in CODES:
        return EVENTS[CODES[name]]
    current = [e for e in EVENTS if e.name == name and not e.is_old and not e.is_unused]
    if not current:
        raise KeyError(f"there is no event {name!r}")
    return min(current, key=lambda e: e.is_enter)


class CaptureBuilder:
    """A capture in the making; methods may be chained.

    Metadata is written before all events, whenever it was given. With ``schema="old"`` each event is
    written as older drivers did, after its enter event (see `old_schema`).
    """

    def __init__(
        self,
        *,
        schema: Literal["current", "old"] = "current",
        start_ns: int = START_NS,
        machine: MachineInfo | None = None,
    ) -> None:
        """Starts a capture.

        Args:
            schema: How events are written.
            start_ns: Time of the first event; each one after it is 1 µs later unless it says otherwise.
            machine: What the capture says of the machine.
        """
        self.machine = machine or MachineInfo("test-host", cpus=1, memory_bytes=1 << 30)
        self._is_old = schema == "old"
        self._next_ns = start_ns
        self._processes: dict[int, ProcessInfo] = {}
        self._fds: dict[int, list[FdInfo]] = {}
        self._users: list[User] = []
        self._groups: list[Group] = []
        self._interfaces: list[Interface] = []
        self._events: list[tuple[CaptureEvent, tuple[str, ...]]] = []

    def process(
        self,
        tid: int,
        comm: str,
        *,
        exe: str | None = None,
        args: Iterable[str] = (),
        env: Iterable[str] = (),
        cgroups: Iterable[str] = (),
        **details: object,
    ) -> Self:
        """A thread that is there before the first event.

        Args:
            tid: Also the process, unless *details* has another ``pid``.
            comm: Its name.
            exe: ``argv[0]``; the name if not given.
            args: The arguments after ``argv[0]``.
            env: ``NAME=value``.
            cgroups: ``subsystem=path``.
            details: Further attributes of `ProcessInfo`.
        """
        values: dict[str, object] = {
            "pid": tid,
            "ptid": 1,
            "vtid": tid,
            "vpid": details.get("pid", tid),
            "sid": 1,
            "pgid": tid,
            "vpgid": tid,
            "cwd": "/",
            "root": "/",
            "fdlimit": 1024,
            "exepath": exe or comm,
            **details,
        }
        self._processes[tid] = ProcessInfo(
            tid=tid,
            comm=comm,
            exe=comm if exe is None else exe,
            args=_joined(args),
            env=_joined(env),
            cgroups=_joined(cgroups),
            **values,  # type: ignore[arg-type] # the dataclass refuses unknown names
        )
        return self

    def file(self, tid: int, fd: int, name: str, *, flags: str = "O_RDONLY", ino: int = 0, dev: int = 0) -> Self:
        """A file that the process has open; *flags* as names of the table ``file_flags``."""
        known = dict(VALUE_TABLES["file_flags"].values)
        bits = 0
        for flag in flags.split("|"):
            bits |= known[flag]
        return self.fd(tid, FdInfo(fd=fd, type=FdType.FILE_V2, name=name, open_flags=bits, ino=ino, dev=dev))

    def socket(
        self,
        tid: int,
        fd: int,
        local: tuple[str, int],
        remote: tuple[str, int] | None = None,
        *,
        l4: L4Protocol = L4Protocol.TCP,
    ) -> Self:
        """An IP socket that the process has open; without *remote* one that listens."""
        source = ip_address(local[0]).packed
        dest = b"" if remote is None else ip_address(remote[0]).packed
        kinds = {
            (4, True): FdType.IPV4_SERVER_SOCKET,
            (16, True): FdType.IPV6_SERVER_SOCKET,
            (4, False): FdType.IPV4_SOCKET,
            (16, False): FdType.IPV6_SOCKET,
        }
        return self.fd(
            tid,
            FdInfo(
                fd=fd,
                type=kinds[len(source), remote is None],
                source_ip=source,
                source_port=local[1],
                dest_ip=dest,
                dest_port=remote[1] if remote else 0,
                l4=l4,
            ),
        )

    def fd(self, tid: int, info: FdInfo) -> Self:
        """Any descriptor that the process has open."""
        self._fds.setdefault(tid, []).append(info)
        return self

    def user(self, uid: int, name: str, *, gid: int = 0, home: str = "", shell: str = "") -> Self:
        """A user account."""
        self._users.append(User(uid, gid, name, home, shell))
        return self

    def group(self, gid: int, name: str) -> Self:
        """A group."""
        self._groups.append(Group(gid, name))
        return self

    def interface(self, name: str, address: str, *, netmask: str = "255.255.255.0") -> Self:
        """An address of the machine; for IPv6 the network mask must be given too."""
        packed, mask = ip_address(address).packed, ip_address(netmask).packed
        broadcast = bytes(a | ~m & 0xFF for a, m in zip(packed, mask, strict=True))
        self._interfaces.append(Interface(name, packed, mask, broadcast, 0))
        return self

    def event(
        self,
        event: str,
        tid_: int,
        /,
        *,
        at_ns: int | None = None,
        on_cpu: int = 0,
        state_only: bool = False,
        comments: Iterable[str] = (),
        **params: object,
    ) -> Self:
        """An event: ``capture.event("close", 10, res=0, fd=3)``.

        Args:
            event: Name (``open``: the exit event) or constant (``SYSCALL_OPEN_E``: the enter event).
            tid_: The thread.
            at_ns: Time; 1 µs after the event before if not given.
            on_cpu: CPU.
            state_only: Not to be shown to rules.
            comments: Remarks attached to the event.
            params: By name, as `values.encode` takes them. Those left out have the `values.default`
                of their type, or for events that describe the process (execve, clone) what `process`
                said of the thread; earlier events are not looked at.

        Raises:
            KeyError: There is no such event or parameter.
            ValueError: A value does not fit, as in `values.encode`.
            TypeError: Likewise.
        """
        info = event_named(event)
        for name in params:
            info.param_index(name)
        known = self._described(info, tid_) | _implied(params)
        raw = [
            encode(p, params[p.name])
            if p.name in params
            else encode(p, known[p.name])
            if p.name in known
            else default(p)
            for p in info.params
        ]
        time_ns = self._next_ns if at_ns is None else at_ns
        self._next_ns = time_ns + STEP_NS
        item = CaptureEvent(0, time_ns, tid_, on_cpu, info.code, raw, state_only, info.code)
        self._events.append((item, tuple(comments)))
        return self

    def _described(self, info: EventInfo, tid: int) -> dict[str, object]:
        """What events that describe a process say of a known one."""
        process = self._processes.get(tid)
        if process is None or not {"exe", "comm"} <= {p.name for p in info.params}:
            return {}
        return {
            "exe": process.exe,
            "args": process.args,
            "tid": process.tid,
            "pid": process.pid,
            "ptid": process.ptid,
            "cwd": process.cwd,
            "fdlimit": process.fdlimit,
            "comm": process.comm,
            "cgroups": process.cgroups,
            "env": process.env,
            "vtid": process.vtid,
            "vpid": process.vpid,
            "vpgid": process.vpgid,
            "pgid": process.pgid,
            "uid": process.uid,
            "gid": process.gid,
            "loginuid": process.loginuid,
            "tty": process.tty,
            "trusted_exepath": process.exepath,
            "filename": process.exepath,
        }

    def write(self, path: str | Path, *, compress: bool = False) -> Path:
        """Writes the capture to a file and returns its path."""
        path = Path(path)
        path.write_bytes(self.to_bytes(compress=compress))
        return path

    def to_bytes(self, *, compress: bool = False) -> bytes:
        """The capture as the content of a file."""
        file = BytesIO()
        with CaptureWriter(file, compress=compress) as writer:
            writer.write(self.machine)
            writer.write(InterfaceList(tuple(self._interfaces)))
            writer.write(UserList(tuple(self._users), tuple(self._groups)))
            writer.write(ProcessList(tuple(self._processes.values())))
            for tid, fds in self._fds.items():
                writer.write(FdList(tid, tuple(fds)))
            for event, comments in self._events:
                *enters, exit_event = self._forms(event)
                for part in enters:
                    writer.write(part)
                writer.write(exit_event, comments=comments)
        return file.getvalue()

    def _forms(self, event: CaptureEvent) -> list[CaptureEvent]:
        if not self._is_old:
            return [event]
        return [
            CaptureEvent(0, event.time_ns, event.tid, event.cpu, code, params, event.hidden, code)
            for code, params in as_old(event.code, event.params)
        ]

    def reader(self) -> CaptureReader:
        """A reader of the capture."""
        return CaptureReader(BytesIO(self.to_bytes()))


def _joined(texts: Iterable[str]) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in texts)


def _implied(params: dict[str, object]) -> dict[str, object]:
    """The paths of an executed program that follow from the one that was given."""
    path = params.get("trusted_exepath", params.get("filename", params.get("exe")))
    return {} if path is None else {"trusted_exepath": path, "filename": path}
