"""Captures to measure replay with, as drivers of 2022 wrote them: an event on entering each call, one on leaving it.

    python tests/benchmarks/capture_mix.py quiet 1500000 quiet.scap

*quiet*: servers and shells; some 45 % of the events change what must be remembered, programs open the same files over
and over. *dense*: mostly opening and closing of files, 57,600 names, each new for a long while.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from falco_syscall.capture import CaptureEvent, CaptureReader
from falco_syscall.capture.blocks import EVENT_FORMS, blocks
from falco_syscall.capture.builder import START_NS, CaptureBuilder, event_named
from falco_syscall.capture.old_schema import as_old
from falco_syscall.capture.stream import CaptureStream
from falco_syscall.capture.values import default, encode
from falco_syscall.capture.writer import item_block

_CALLS_A_ROUND: Final = 120_000
_PROCESSES: Final = 40
_THEN: Final = {"socket": 1, "clone": 20, "execve": 27, "fcntl": 1, "getcwd": 2}
"""How many parameters the exit events of 2022 had, where they had fewer than today."""
_FILES: Final = (
    *("/etc/passwd", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/dev/null"),
    *(f"/usr/lib/x86_64-linux-gnu/lib{name}.so.6" for name in ("c", "m", "dl", "ssl", "crypto", "pthread", "z")),
    *(f"/usr/share/zoneinfo/Europe/{name}" for name in ("Berlin", "Paris", "Rome")),
    *(f"/proc/{pid}/stat" for pid in range(1, 200, 7)),
    *(f"/var/lib/app/data-{number}.db" for number in range(60)),
)
_RELATIVE: Final = ("src/main.c", "Makefile", ".git/HEAD", "build/out.o", "../config.yaml")
_PROGRAMS: Final = ("bash", "ls", "cat", "python3", "grep", "sed", "make", "gcc", "curl", "tar")

_QUIET: Final = {
    "open": 7, "openat": 14, "close": 20, "dup": 2, "pipe": 1, "socket": 1.5, "connect": 1.2, "fcntl": 1,
    "program": 0.7, "chdir": 0.4, "setuid": 0.1, "failed": 3, "read": 15, "write": 12, "fstat": 5, "stat": 4,
    "futex": 5, "poll": 3, "lseek": 2, "mmap": 2, "munmap": 1, "ioctl": 1, "unlink": 0.3, "rename": 0.2,
}  # fmt: skip
_DENSE: Final = {
    "open": 16, "openat": 18, "close": 30, "socket": 1, "connect": 1, "dup": 1, "program": 0.5, "chdir": 0.3,
    "failed": 3, "read": 12, "write": 8, "fstat": 5, "futex": 3, "unlink": 0.5, "rename": 0.3,
}  # fmt: skip


class _Machine:
    """Processes that call what the weights say."""

    def __init__(
        self, weights: dict[str, float], names: Callable[[], str], write: Callable[[CaptureEvent], object]
    ) -> None:
        self._random = random.Random(2022)
        self._actions = self._random.choices(list(weights), list(weights.values()), k=_CALLS_A_ROUND)
        self._names = names
        self._write_event = write
        self._now = START_NS
        self._next_child = 5000
        self._fds: dict[int, list[int]] = {tid: [0, 1, 2] for tid in range(100, 100 + _PROCESSES)}

    def run(self) -> None:
        tid = 100
        for action in self._actions:
            if self._random.random() < 0.2:
                tid = self._random.randrange(100, 100 + _PROCESSES)
            getattr(self, f"_{action}", self._plain(action))(tid)

    def _plain(self, name: str) -> Callable[[int], None]:
        def call(tid: int) -> None:
            self._call(name, tid, **({"fd": self._fd(tid)} if self._has_fd(name) else {}))

        return call

    @staticmethod
    def _has_fd(name: str) -> bool:
        return any(param.name == "fd" for param in event_named(name).params)

    def _call(self, name: str, thread: int, /, **values: object) -> None:
        info = event_named(name)
        params = [encode(p, values[p.name]) if p.name in values else default(p) for p in info.params]
        forms = as_old(info.code, params)
        for position, (code, parts) in enumerate(forms):
            self._now += 700
            if position == len(forms) - 1 and name in _THEN:
                parts = parts[: _THEN[name]]
            self._write_event(CaptureEvent(0, self._now, thread, 0, code, parts, False, code))

    def _fd(self, tid: int) -> int:
        return self._random.choice(self._fds[tid])

    def _new(self, tid: int) -> int:
        used = self._fds[tid]
        number = next(n for n in range(len(used) + 1) if n not in used)
        used.append(number)
        return number

    def _flags(self) -> str:
        return self._random.choice(("O_RDONLY", "O_RDONLY|O_CLOEXEC", "O_RDONLY", "O_WRONLY|O_CREAT", "O_RDWR"))

    def _opens(self, call: str, tid: int, /, **values: object) -> None:
        if len(self._fds[tid]) > 60:
            self._close(tid)
        self._call(call, tid, fd=self._new(tid), name=self._names(), flags=self._flags(), mode=0o644, **values)

    def _openat(self, tid: int) -> None:
        self._opens("openat", tid, dirfd="AT_FDCWD")

    def _open(self, tid: int) -> None:
        self._opens("open", tid)

    def _failed(self, tid: int) -> None:
        self._call("openat", tid, fd=-2, dirfd="AT_FDCWD", name=self._names(), flags="O_RDONLY")

    def _close(self, tid: int) -> None:
        used = self._fds[tid]
        if len(used) > 3:
            self._call("close", tid, res=0, fd=used.pop(self._random.randrange(3, len(used))))
        else:
            self._call("close", tid, res=-9, fd=77)

    def _dup(self, tid: int) -> None:
        self._call("dup", tid, res=self._new(tid), oldfd=self._fd(tid))

    def _pipe(self, tid: int) -> None:
        self._call("pipe", tid, res=0, fd1=self._new(tid), fd2=self._new(tid), ino=7)

    def _socket(self, tid: int) -> None:
        self._call("socket", tid, fd=self._new(tid), domain="AF_INET", type=1, proto=6)

    def _connect(self, tid: int) -> None:
        fd = self._new(tid)
        self._call("socket", tid, fd=fd, domain="AF_INET", type=1, proto=6)
        port = self._random.choice((443, 443, 80, 53, 8080))
        ends = ("10.0.0.5", self._random.randrange(30000, 60000), "192.0.2.7", port)
        self._call("connect", tid, res=0, tuple=ends, fd=fd, addr=("192.0.2.7", port))

    def _read(self, tid: int) -> None:
        self._call("read", tid, res=80, data=b"x" * 80, fd=self._fd(tid), size=4096)

    def _write(self, tid: int) -> None:
        self._call("write", tid, res=80, data=b"y" * 80, fd=self._fd(tid), size=80)

    def _stat(self, tid: int) -> None:
        self._call("stat", tid, res=0, path=self._names())

    def _chdir(self, tid: int) -> None:
        self._call("chdir", tid, res=0, path=self._random.choice(("/home/user", "/srv", "/tmp/work")))

    def _unlink(self, tid: int) -> None:
        self._call("unlink", tid, res=0, path=self._names())

    def _rename(self, tid: int) -> None:
        self._call("rename", tid, res=0, oldpath=self._names(), newpath=self._names())

    def _fcntl(self, tid: int) -> None:
        self._call("fcntl", tid, res=0, fd=self._fd(tid), cmd="F_GETFL")

    def _program(self, tid: int) -> None:
        """A process is made, runs a program, opens some files and exits."""
        self._next_child += 1
        child, name = self._next_child, self._random.choice(_PROGRAMS)
        about = {"exe": "bash", "comm": "bash", "pid": tid, "tid": tid, "ptid": 1, "fdlimit": 1024, "cwd": ""}
        self._call("clone", tid, res=child, **about, vtid=tid, vpid=tid, cgroups=b"cpu=/\0")
        about |= {"pid": child, "tid": child, "ptid": tid}
        self._call("clone", child, res=0, **about, vtid=child, vpid=child, cgroups=b"cpu=/\0")
        path = f"/usr/bin/{name}"
        about |= {"exe": path, "comm": name, "args": ["-l", "file"], "env": ["HOME=/root", "PATH=/bin:/usr/bin"]}
        self._call("execve", child, res=0, **about, cgroups=b"cpu=/\0", trusted_exepath=path, filename=path)
        self._fds[child] = [*self._fds[tid]]
        for _ in range(4):
            self._openat(child)
            self._close(child)
        del self._fds[child]
        self._call("procexit", child, status=0, ret=0, sig=0, core=0)


def _same_files() -> Callable[[], str]:
    choose = random.Random(1)
    return lambda: choose.choice(_RELATIVE) if choose.random() < 0.1 else choose.choice(_FILES)


def _new_files() -> Callable[[], str]:
    def names() -> Iterator[str]:
        while True:
            for number in range(57_600):
                folder = ("/var/cache/app", "/srv/www/site", "/home/user/project/src", "/tmp/build")[number % 4]
                yield f"{folder}/{number % 240:03}/file-{number * 7919 % 57_600:05}.dat"

    found = names()
    return lambda: next(found)


MIXES: Final = {"quiet": (_QUIET, _same_files), "dense": (_DENSE, _new_files)}


def write(path: Path, mix: str, events: int) -> int:
    """Write a capture of at least *events* numbered events; their number. A round is made once and repeated."""
    weights, names = MIXES[mix]
    file = BytesIO()
    file.write(_processes())
    head = file.tell()
    _Machine(weights, names(), lambda event: file.write(item_block(event, ()))).run()
    whole = file.getvalue()
    one = sum(1 for _ in CaptureReader(BytesIO(whole)).events())
    rounds = -(-events // one)
    with path.open("wb") as capture:
        capture.write(whole)
        for _ in range(rounds - 1):
            capture.write(whole[head:])
    return one * rounds


def empty() -> bytes:
    """A capture of a single event."""
    builder = CaptureBuilder()
    for tid in range(100, 100 + _PROCESSES):
        builder.process(tid, "worker", exe="/usr/bin/worker", cwd="/srv/")
    return builder.event("close", 100, fd=9).to_bytes()


def _processes() -> bytes:
    """The metadata of the capture."""
    content = empty()
    first = next(block for block in blocks(CaptureStream(BytesIO(content))) if block.kind in EVENT_FORMS)
    return content[: first.offset]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mix", choices=MIXES)
    parser.add_argument("events", type=int)
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    print(write(options.path, options.mix, options.events), "events")


if __name__ == "__main__":
    main()
