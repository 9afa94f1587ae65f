"""Why an answer about a captured event is not Falco's: the causes that differences.toml lists.

An answer differs because of what happened before (the event's process ran into a fault of Falco), or because of what
was asked. Causes are told by both, so that those of events and conditions nobody has seen are told as well.
"""

import re

from falco_syscall.capture import FdType, L4Protocol
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.state.addresses import is_mapped, read_tuple
from falco_syscall.state.making import _BPF_MAKES_FD
from falco_syscall.state.opening import OPEN_CALLS
from falco_syscall.state.paths import AT_FDCWD, as_directory, concat

OF_CONDITION = (
    ("leftover", r"ctime_duration|evt\.buffer"),
    ("delta", r"evt\.deltatime"),
    ("names-early", r"fd\.[cslr]ip\.name (?!exists)"),
    ("raw-in", r"evt\.rawarg\.\S+ (in|intersects) "),
    ("raw-mixed", r"evt\.rawarg\."),
    ("either-in", r"fd\.(ip|port|net|proto) (in|intersects) "),
    ("ancestor-in", r"proc\.apid in "),
    ("ancestor-env", r"proc\.aenv\["),
    ("empty-list", r"fd\.types exists"),
    ("error-kind", r"evt\.count\.error\."),
)
"""What is asked differently, by pattern."""


PATHS = re.compile(r"fd\.(name|directory|container)|proc\.cwd|fs\.path|evt\.(args?\b|abspath)")
CHDIRS = {CODES[name] for name in ("SYSCALL_CHDIR_X", "SYSCALL_GETCWD_X", "SYSCALL_FCHDIR_X")}


class Moves:
    """The working directories that Falco gets wrong: it takes a relative chdir of a thread for one from nowhere."""

    def __init__(self):
        self.now = {}
        self.ever = {}
        self.last = {}

    def follow(self, event):
        """Note what Falco makes of the event's working directory."""
        thread, code = event.thread, event.code
        if thread.pid not in self.last:
            parent = event.machine.threads.parent_of(thread)
            if parent is not None and parent.pid in self.ever:
                self.ever[thread.pid] = set(self.ever[parent.pid])
                self.now[thread.pid] = self.now.get(parent.pid)
        if code in CHDIRS and not event.failed:
            self.move(thread, event.path(1) if code != CODES["SYSCALL_FCHDIR_X"] else event.fd and event.fd.name)
        self.last[thread.pid] = thread.directory
        if code == CODES["PROCEXIT_1_E"] and thread.is_main:
            del self.last[thread.pid]

    def move(self, thread, path):
        """Note a change of the working directory."""
        if path is None:
            return
        falcos = self.now.get(thread.pid)
        if path.startswith("/"):
            falcos = None
        elif not thread.is_main:
            falcos = as_directory(concat(thread.cwd, path))
        elif falcos is not None:
            falcos = as_directory(concat(falcos, path))
        self.now[thread.pid] = falcos
        if falcos is not None:
            right = as_directory(concat(self.last.get(thread.pid, ""), path))
            self.ever.setdefault(thread.pid, set()).add((right, falcos))

    def explain(self, pid, got, want):
        """Whether *want* is *got* with the directory that Falco has."""
        return any(
            str(got).replace(ours.rstrip("/"), falcos.rstrip("/")) == str(want)
            for ours, falcos in self.ever.get(pid, ())
        )


class Causes:
    """Follows the events of one capture."""

    def __init__(self):
        self.bpf, self.mapped, self.moves = set(), set(), Moves()

    def follow(self, event):
        """Note the events after which Falco is known to be wrong about a process."""
        thread = event.thread
        if thread is None:
            return
        self.moves.follow(event)
        if event.code == CODES["SYSCALL_BPF_2_X"] and not event.failed and event.number(1) not in _BPF_MAKES_FD:
            self.bpf.add(thread.pid)
        elif event.code == CODES["SOCKET_CONNECT_X"]:
            address = event.raw(3)
            if len(address) == 19 and is_mapped(address[1:17]) and not event.failed and read_tuple(event.raw(1)):
                self.mapped.add(thread.pid)

    def of_value(self, event, expression, got, want):
        """One word for why the value of *expression* differs; "" if nothing is known."""
        thread, fd, text = event.thread, event.fd, str(want)
        process = thread.pid if thread is not None else None
        if expression.startswith("evt.rawarg.") and got is None:
            return "leftover"
        if expression.startswith(("evt.rawarg.", "evt.buffer")) and want and str(got).startswith(text):
            return "cut"
        if expression == "evt.buffer" and not got:
            return "leftover"
        if expression.startswith("proc.exe_ino.ctime_duration") and got is None:
            return "leftover"
        if expression.startswith("evt.deltatime"):
            return "delta"
        if expression.startswith("fs.path.") and text.startswith("<UNKNOWN>") and is_at_cwd(event):
            return "at-cwd"
        if expression.startswith("evt.count.error."):
            return "error-kind"
        if expression == "fdlist.sips" and "0.0.0.0" in text:
            return "server-v6"
        if fd is not None and fd.type is FdType.IPV6_SOCKET and fd.l4 == L4Protocol.UDP:
            return "bound-udp6"
        if "<unknown>" in text or (process in self.mapped and expression == "fd.l4proto"):
            return "mapped-v6"
        if expression.startswith(("container.", "k8s.", "fd.container")) and (cause := of_container(event)):
            return cause
        if (
            expression.startswith(("user.", "evt.arg"))
            and "<NA>" in text
            and thread is not None
            and thread.container_id
        ):
            return "container-users"
        if process in self.bpf and expression.startswith(("fd.", "evt.arg", "proc.std")):
            return "bpf"
        if expression.startswith(("proc.env", "proc.aenv")) and want == "":
            return "thread-env"
        if expression.startswith(("container.", "k8s.")):
            return ""
        return "thread-chdir" if self.moves.explain(process, got, want) else ""

    def of_match(self, event, condition):
        """One word for why *condition* differs on *event*; "" if nothing is known."""
        for cause, pattern in OF_CONDITION:
            if re.search(pattern, condition):
                return cause
        thread, fd = event.thread, event.fd
        process = thread.pid if thread is not None else None
        if "container." in condition or "k8s." in condition:
            return of_container(event)
        if "user.name" in condition and thread is not None and thread.container_id:
            return "container-users"
        if "fs.path" in condition and is_at_cwd(event):
            return "at-cwd"
        if is_below_descriptor(event):
            return "reading-order"
        if process in self.bpf:
            return "bpf"
        if fd is not None and fd.type is FdType.IPV6_SOCKET and fd.l4 == L4Protocol.UDP:
            return "bound-udp6"
        if process in self.mapped:
            return "mapped-v6"
        if "proc.env" in condition and thread is not None and event.machine.threads.parent_of(thread) is not None:
            return "thread-env"
        return "thread-chdir" if process in self.moves.ever and PATHS.search(condition) else ""


def of_container(event):
    """``lxc`` or ``old-container-event``."""
    if event.thread is None:
        return "old-container-event"
    known = event.machine.containers.get(event.thread.container_id)
    return "lxc" if known is not None and known.type in {"lxc", "libvirt-lxc", "bpm"} else ""


def is_at_cwd(event):
    """Whether the event names a path relative to the working directory by descriptor."""
    return any(
        param.type == "FD" and event.number(index) == AT_FDCWD for index, param in enumerate(EVENTS[event.code].params)
    )


def is_below_descriptor(event):
    """Whether the event opens a path relative to a descriptor.

    Some fields look that descriptor up and leave it behind as the one of the event, for the fields that are read next.
    """
    call = OPEN_CALLS.get(event.code)
    return call is not None and call.dirfd >= 0 and event.number(call.dirfd) != AT_FDCWD
