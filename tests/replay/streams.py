"""Random streams of events, in which descriptors, threads and calls meet in all sorts of ways."""

from functools import cache
from struct import pack

from falco_syscall.capture import CaptureEvent, FdInfo, FdList, FdType, MachineInfo, ProcessInfo, ProcessList, Section
from falco_syscall.capture.builder import event_named
from falco_syscall.capture.event_table import CODES
from falco_syscall.capture.old_schema import as_old
from falco_syscall.capture.values import default, encode
from falco_syscall.capture.writer import item_block

START_NS = 1_700_000_000_000_000_000
PATHS = (
    *(b"/etc/a", b"/etc/b", b"/b", b"/", b"a", b"c", b"../b", b"./x/../c", b"/etc//a", b"/etc/./b", b"/x/../etc/a"),
    *(b"", b"d/", b"/usr/lib/c", b"\xff", b"/etc/\xffa", b"(NULL)", b"<NA>", b"/" + b"n" * 1030, b"/a\0b"),
)
FLAGS = (0x1, 0x2, 0x3, 0x1001, 0x1002, 0x401, 0x4002, 0x8001, 0x10001, 0x9401)
ENDS = (
    b"",
    b"\x02" + bytes([127, 0, 0, 1]) + pack("<H", 9) + bytes([8, 8, 8, 8]) + pack("<H", 53),
    b"\x0a" + bytes(15) + b"\1" + pack("<H", 7) + bytes(15) + b"\2" + pack("<H", 80),
    b"\1" + bytes(16) + b"/run/s\0",
    b"\2xx",
)
KINDS = (
    *("open", "open", "openat", "openat", "openat", "openat2", "openat_fd", "creat", "raced", "raced", "by_handle"),
    *("close", "close", "close", "close", "close", "failed_close", "lost_close"),
    *("dup", "dup2", "dup3", "fcntl", "fcntl", "socket", "socket", "connect", "pipe", "bind", "send", "accept"),
    *("read", "read", "write", "recvfrom", "chdir", "fchdir", "getcwd", "clone", "thread", "child", "exec", "exec"),
    *("exit", "exit", "setuid", "mmap", "generic", "generic", "switch", "procinfo", "noise", "odd", "odd", "futex"),
    *("close_range", "memfd", "prlimit", "kill", "eventfd"),
)
KEPT_OR_CLOSED = ("run_on",)
"""Runs of calls on one descriptor, copied by fcntl before an exec: whether the copy outlasts it is in the command."""


class Stream:
    """Writes one stream of *kinds* of events; *random* decides everything."""

    def __init__(self, random, length, kinds=KINDS):
        self.random = random
        self.is_old = random.random() < 0.5
        self.blocks = [head()]
        self.now = START_NS
        for _ in range(length):
            getattr(self, random.choice(kinds))()

    def bytes(self):
        return b"".join(self.blocks)

    # What is drawn

    def tid(self):
        return self.random.randint(1, 6)

    def number(self):
        return self.random.randint(-2, 5)

    def path(self):
        return self.random.choice(PATHS) + b"\0"

    def flags(self):
        return self.random.choice(FLAGS)

    def result(self, *failures):
        return self.random.choice((0, 0, 0, *failures))

    # How it is written

    def raw(self, code, tid, params):
        self.now += self.random.choice((0, 1000, 1000, 100_000_000))
        hidden = self.random.random() < 0.03
        event = CaptureEvent(0, self.now, tid, self.random.randint(0, 3), code, params, hidden, code)
        self.blocks.append(item_block(event, ()))

    def call(self, call, tid, /, **values):
        info = event_named(call)
        params = [encode(p, values[p.name]) if p.name in values else default(p) for p in info.params]
        if self.is_old and self.random.random() < 0.7:
            forms = as_old(info.code, params)
            if self.random.random() < 0.1:
                forms = forms[:1] if self.random.random() < 0.5 else forms[-1:]
            for position, (code, parts) in enumerate(forms):
                if position and self.random.random() < 0.15:
                    self.noise()
                self.raw(code, tid, parts)
        else:
            if self.random.random() < 0.03:
                params = params[: self.random.randint(0, len(params))]
            self.raw(info.code, tid, params)

    # The calls

    def open(self):
        self.call("open", self.tid(), fd=self.number(), name=self.path(), flags=self.flags(), dev=3, ino=9)

    def openat(self):
        self.call("openat", self.tid(), fd=self.number(), dirfd=-100, name=self.path(), flags=self.flags(), ino=5)

    def openat2(self):
        self.call("openat2", self.tid(), fd=self.number(), dirfd=-100, name=self.path(), flags=self.flags(), ino=6)

    def openat_fd(self):
        self.call("openat", self.tid(), fd=self.number(), dirfd=self.number(), name=self.path(), flags=self.flags())

    def by_handle(self):
        self.call("open_by_handle_at", self.tid(), fd=self.number(), path=self.path(), flags=self.flags())

    def creat(self):
        self.call("creat", self.tid(), fd=self.number(), name=self.path(), creat_flags=self.random.randint(0, 3))

    def raced(self):
        """What the call was given may differ from what it was found to be."""
        tid, path, flags, dirfd = self.tid(), self.path(), self.flags(), self.random.choice((-100, -100, 3))
        given = path if self.random.random() < 0.6 else self.path()
        other = flags & ~0x1C000 if self.random.random() < 0.7 else self.flags()
        mode = bytes(4)
        name = self.random.choice(("open", "openat", "openat2"))
        if name == "open":
            self.raw(CODES["SYSCALL_OPEN_E"], tid, [given, pack("<I", other), mode])
        elif name == "openat":
            self.raw(CODES["SYSCALL_OPENAT_2_E"], tid, [pack("<q", dirfd), given, pack("<I", other), mode])
        else:
            self.raw(CODES["SYSCALL_OPENAT2_E"], tid, [pack("<q", dirfd), given, pack("<I", other), mode, mode])
        if self.random.random() < 0.2:
            self.noise()
        values = {"dirfd": self.random.choice((dirfd, -100))} if name != "open" else {}
        was_old, self.is_old = self.is_old, False
        self.call(name, tid, fd=self.number(), name=path, flags=flags, **values)
        self.is_old = was_old

    def close(self):
        self.call("close", self.tid(), res=0, fd=self.number())

    def failed_close(self):
        self.call("close", self.tid(), res=-9, fd=self.number())

    def lost_close(self):
        tid = self.tid()
        self.raw(CODES["SYSCALL_CLOSE_E"], tid, [pack("<q", self.number())])
        if self.random.random() < 0.5:
            self.raw(CODES["SYSCALL_READ_E"], self.tid(), [pack("<q", self.number()), bytes(4)])
        if self.random.random() < 0.7:
            self.raw(CODES["SYSCALL_CLOSE_X"], self.random.choice((tid, self.tid())), [bytes(8)])

    def dup(self):
        self.call("dup", self.tid(), res=self.number(), oldfd=self.number())

    def dup2(self):
        number = self.number()
        self.call("dup2", self.tid(), res=number, oldfd=self.number(), newfd=number)

    def dup3(self):
        number = self.number()
        flags = self.random.choice((0, 0x1000))
        self.call("dup3", self.tid(), res=number, oldfd=self.number(), newfd=number, flags=flags)

    def fcntl(self):
        command = self.random.choice(("F_DUPFD", "F_DUPFD_CLOEXEC", "F_SETFD", "F_GETFL", "F_GETFD"))
        number = self.random.choice((self.number(), 0, -9))
        self.call("fcntl", self.tid(), res=number, fd=self.number(), cmd=command, arg=self.random.randint(0, 1))

    def run_on(self):
        """Open, copy, maybe change the flag of the copy, maybe exec, then use or copy the copy."""
        tid, old, new = self.random.randint(1, 2), self.random.randint(0, 2), self.random.randint(1, 4)
        draw = self.random.random
        if draw() < 0.6:
            if draw() < 0.7:
                self.call("open", tid, fd=old, name=self.path(), flags=self.flags())
            else:
                self.call("socket", tid, fd=old, domain=2, type=1, proto=6, flags=self.random.choice((0, 0x1000)))
        command = self.random.choice(("F_DUPFD", "F_DUPFD_CLOEXEC"))
        self.call("fcntl", tid, res=new, fd=old, cmd=command, arg=self.random.randint(0, 4))
        if draw() < 0.3:
            flag = self.random.randint(0, 1)
            self.call("fcntl", tid, res=0, fd=self.random.choice((old, new)), cmd="F_SETFD", arg=flag)
        if draw() < 0.2:
            self.call("clone", tid, res=3 - tid, flags=0, **self.described(tid, tid, 1, f"p{tid}"))
        if draw() < 0.8:
            about = self.described(tid, tid, 1, self.random.choice(("sh", "nc")))
            self.call("execve", tid, res=self.result(-2), **about, env=["A=1"], trusted_exepath="/bin/sh")
        number = self.random.choice((old, new, new))
        use = self.random.choice(("read", "write", "close", "dup", "dup2"))
        if use == "dup":
            self.call("dup", tid, res=self.random.randint(0, 4), oldfd=number)
        elif use == "dup2":
            target = self.random.randint(0, 4)
            self.call("dup2", tid, res=target, oldfd=number, newfd=target)
        elif use == "close":
            self.call("close", tid, res=0, fd=number)
        else:
            self.call(use, tid, res=4, data=b"data", fd=number, size=4)

    def socket(self):
        family, kind = self.random.choice((1, 2, 10, 16)), self.random.choice((1, 2))
        flags = self.random.choice((0, 0x1000))
        number = self.number()
        if self.is_old and self.random.random() < 0.5:
            tid = self.tid()
            self.raw(CODES["SOCKET_SOCKET_E"], tid, [pack("<I", family), pack("<I", kind), pack("<I", 0)])
            self.raw(CODES["SOCKET_SOCKET_X"], tid, [pack("<q", number)])
            return
        self.call("socket", self.tid(), fd=number, domain=family, type=kind, proto=0, flags=flags)

    def connect(self):
        result = self.result(-115, -111)
        ends, address = self.random.choice(ENDS), b"\x02" + bytes([8, 8, 8, 8]) + pack("<H", 53)
        self.call("connect", self.tid(), res=result, tuple=ends, fd=self.number(), addr=address)

    def accept(self):
        self.call("accept4", self.tid(), fd=self.number(), tuple=self.random.choice(ENDS))

    def bind(self):
        address = b"\2" + bytes(4) + pack("<H", 80)
        self.call("bind", self.tid(), res=self.result(-13), addr=address, fd=self.number())

    def send(self):
        ends = self.random.choice(ENDS)
        self.call("sendto", self.tid(), res=self.result(-11), data=b"x", fd=self.number(), size=1, tuple=ends)

    def recvfrom(self):
        ends = self.random.choice(ENDS)
        self.call("recvfrom", self.tid(), res=self.result(-11), data=b"x", tuple=ends, fd=self.number(), size=1)

    def read(self):
        self.call("read", self.tid(), res=self.result(-11), data=b"data", fd=self.number(), size=4)

    def write(self):
        self.call("write", self.tid(), res=self.result(-11), data=b"data", fd=self.number(), size=4)

    def pipe(self):
        flags = self.random.choice((0, 0x1000))
        call, more = self.random.choice((("pipe2", {"flags": flags}), ("pipe", {})))
        self.call(call, self.tid(), res=self.result(-24), fd1=self.number(), fd2=self.number(), ino=1, **more)

    def eventfd(self):
        self.call("eventfd2", self.tid(), res=self.number(), flags=1)

    def memfd(self):
        self.call("memfd_create", self.tid(), fd=self.number(), name="m", flags=self.random.randint(0, 1))

    def close_range(self):
        flags = self.random.choice((0, 4))
        self.call("close_range", self.tid(), res=0, first=self.random.randint(0, 4), last=4, flags=flags)

    def chdir(self):
        self.call("chdir", self.tid(), res=self.result(-2), path=self.path())

    def getcwd(self):
        self.call("getcwd", self.tid(), res=0, path=self.path())

    def fchdir(self):
        self.call("fchdir", self.tid(), res=0, fd=self.number())

    def described(self, tid, pid, ptid, comm):
        return {
            "exe": comm,
            "comm": comm,
            "tid": tid,
            "pid": pid,
            "ptid": ptid,
            "fdlimit": 9,
            "cwd": "/",
            "vtid": tid,
            "vpid": pid,
            "uid": 7,
            "gid": 7,
            "args": ["-x"],
        }

    def clone(self):
        tid = self.tid()
        about = self.described(tid, self.random.choice((tid, 1)), self.tid(), f"p{tid}")
        flags = self.random.choice((0, 0, 0, 1 << 27, 1 << 8))
        self.call(self.random.choice(("clone", "clone", "fork")), tid, res=self.tid(), flags=flags, **about)

    def thread(self):
        tid = self.tid()
        flags = 1 << 13 | self.random.choice((0, 1))
        self.call("clone", tid, res=self.tid(), flags=flags, **self.described(tid, tid, self.tid(), f"p{tid}"))

    def child(self):
        tid = self.tid()
        flags = self.random.choice((0, 1 << 13 | 1))
        about = self.described(tid, self.random.choice((tid, tid, 1)), self.tid(), f"p{tid}")
        self.call("clone", tid, res=0, flags=flags, **about)

    def exec(self):
        tid = self.tid()
        about = self.described(tid, self.random.choice((tid, tid, 1)), self.tid(), self.random.choice(("sh", "nc")))
        self.call("execve", tid, res=self.result(-2), **about, env=["A=1"], trusted_exepath="/bin/sh")

    def exit(self):
        self.call("procexit", self.tid(), status=0, ret=0, sig=0, core=0, reaper_tid=self.tid())

    def setuid(self):
        self.call("setuid", self.tid(), res=self.result(-1), uid=self.tid())

    def mmap(self):
        self.call("mmap", self.tid(), res=0, vm_size=self.tid(), vm_rss=2, vm_swap=0, fd=self.number())

    def prlimit(self):
        self.call("prlimit", self.tid(), res=0, newcur=5, pid=self.tid(), resource=7)

    def kill(self):
        self.call("kill", self.tid(), res=0, pid=self.random.randint(1, 9), sig=9)

    def generic(self):
        self.call("GENERIC_X", self.random.randint(1, 9), ID=self.random.randint(0, 60), nativeID=self.tid())

    def switch(self):
        self.call("SCHEDSWITCH_6_E", self.random.randint(1, 9), next=self.tid(), pgft_maj=self.tid())

    def procinfo(self):
        self.call("PROCINFO_E", self.random.randint(1, 9))

    def noise(self):
        self.call("newfstatat", self.random.randint(1, 9), res=0, dirfd=-100, path=self.path())

    def futex(self):
        self.call("futex", self.random.randint(1, 12), res=0, val=1)

    def odd(self):
        """Parameters of sizes that they cannot have."""
        names = ("open", "openat", "openat2", "close", "read", "fcntl", "socket", "dup", "connect", "sendto", "pipe2")
        code = event_named(self.random.choice(names)).code
        pieces = (b"xy", b"", pack("<q", 1), pack("<q", self.number()), b"/etc/a\0", pack("<I", 2), b"\1")
        count = self.random.randint(0, 8)
        self.raw(code - (self.random.random() < 0.2), self.tid(), [self.random.choice(pieces) for _ in range(count)])


@cache
def head():
    """Two processes are there before."""
    about = {"ptid": 1, "root": "/", "fdlimit": 10}
    one = ProcessInfo(tid=1, pid=1, vtid=1, vpid=1, comm="init", exe="init", cwd="/", **about)
    two = ProcessInfo(tid=2, pid=2, vtid=2, vpid=2, comm="two", exe="two", cwd="/home/", **about)
    files = FdList(2, (FdInfo(fd=0, type=FdType.FILE_V2, name="/etc/b"),))
    items = (Section(), MachineInfo("host", cpus=1, memory_bytes=1), ProcessList((one, two)), files)
    return b"".join(item_block(item, ()) for item in items)
