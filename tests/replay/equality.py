"""What both decoders make of the same capture under the same rules."""

from contextlib import closing
from functools import cache, lru_cache
from io import BytesIO

from recorded.syscalls import scope

from falco.pipeline import evaluate
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco_syscall.capture import CaptureError, CaptureReader
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.column_decoder import ColumnDecoder
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.replaying.ahead import ReadAhead
from falco_syscall.replaying.interest import interest_of

OUTPUT = (
    "%evt.num %evt.type %evt.time %evt.deltatime %evt.reltime %evt.dir %evt.cpu %evt.args %evt.res %thread.tid "
    "%thread.vtid %thread.ismain %proc.pid %proc.ppid %proc.name %proc.cmdline %proc.cwd %proc.pname %proc.aname[2] "
    "%proc.exepath %proc.env %proc.fdopencount %proc.fdlimit %user.uid %container.id %fd.num %fd.name %fd.nameraw "
    "%fd.typechar %fd.l4proto %fd.directory %fd.filename %fd.ino %fd.dev %fd.types %fd.name_changed %fd.sip %fd.is_server"
)
MORE = "%proc.vmsize %thread.pfmajor %fd.connected"
"""What is remembered only if somebody wants it."""

CONDITIONS = (
    *("evt.num > 0", "evt.type = close", 'evt.type = close and fd.name in (/etc/a, /b, "")', "evt.type = procexit"),
    *("evt.type = read and fd.name contains a", "evt.type = read and fd.num >= 2", "evt.type = chdir", "fd.num = -1"),
    "evt.type in (open, openat) and evt.is_open_write = true and fd.name startswith /etc/",
    "evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.directory = /",
    "evt.type = openat and fd.filename in (a, c)",
    "evt.type in (open, openat) and evt.failed = true",
    "evt.type in (open, openat) and not fd.name startswith /etc/",
    "evt.type in (open, openat, openat2) and fd.name endswith /a and evt.is_open_read = true and fd.num >= 0",
    "evt.type in (open, openat) and not fd.filename exists",
    "evt.type in (execve, execveat) and evt.failed = false",
    "evt.type = connect and fd.sport = 53",
    *("evt.type in (clone, dup2, fcntl, pipe2)", "evt.type = read and proc.pname exists", "evt.failed = true"),
    *("evt.type = newfstatat", "evt.type = switch", "evt.type = procinfo", "evt.dir = >", "syscall.type exists"),
    *("evt.type = futex and proc.name = <NA>", "evt.type = sendto and fd.connected = false", "evt.is_open_exec = true"),
    *("evt.type in (setsid, getpid, mprotect)", "evt.type = dup", "evt.type = socket", "evt.type = kill"),
)
SIZES = (300, 700, 2000, 1 << 20)


@cache
def rule(condition, output=OUTPUT):
    loader = RuleLoader({"syscall": scope()})
    text = f"- rule: {condition!r}\n  desc: d\n  condition: {condition}\n  output: {output!r}\n  priority: INFO\n"
    result = loader.load("rules", text.encode())
    assert len(loader.rules) == 1, result
    return loader.rules[0]


@lru_cache(maxsize=16)
def everything(rules):
    """A ruleset that asks every rule about every event."""
    return Ruleset(rules, first_only=False)


@lru_cache(maxsize=16)
def dispatched(rules):
    """A ruleset that asks by kinds of events."""
    return Ruleset(rules, dispatch=ColumnDecoder.dispatch, assume=ColumnDecoder.assume, first_only=False)


def plain(capture, rules):
    """Alerts and count of events by the plain decoder, no rule skipped."""
    decoder, ruleset = SyscallDecoder(), everything(tuple(rules))
    found = []
    try:
        for event in decoder.events(CaptureReader(opened(capture))):
            found += [told(hit.alert(event)) for hit in ruleset.everything(event)]
    except CaptureError as error:
        found.append(str(error))
    return found, decoder.count, known(decoder.machine)


def columnar(capture, rules, chunk_bytes):
    """The same by the columnar one."""
    decoder = ColumnDecoder()
    decoder.report = lambda sentence: None
    ruleset = dispatched(tuple(rules))
    found = []
    try:
        for chunk in ChunkReader(opened(capture), chunk_bytes=chunk_bytes):
            found += map(told, evaluate(decoder, chunk, ruleset))
    except CaptureError as error:
        found.append(str(error))
    return found, decoder.count, known(decoder.replay.machine)


class Awaited(ReadAhead):
    """Waits for the process, which would come too late for a short capture."""

    def _is_waiting(self):
        return self._pipe.poll(60)


def ahead(path, rules, chunk_bytes):
    """The same by the columnar one, of chunks that another process has prepared."""
    decoder = ColumnDecoder()
    decoder.report = lambda sentence: None
    ruleset = dispatched(tuple(rules))
    found = []
    with path.open("rb") as file, closing(Awaited(file, chunk_bytes=chunk_bytes)) as reader:
        try:
            for prepared in reader.prepared(interest_of(ruleset).wants):
                found += map(told, evaluate(decoder, prepared, ruleset))
        except CaptureError as error:
            found.append(str(error))
    return found, decoder.count, known(decoder.replay.machine)


def opened(capture):
    return BytesIO(capture) if isinstance(capture, bytes) else capture


def told(alert):
    return alert.num, alert.template.rule, alert.time_ns, alert.values


def known(machine):
    """The state at the end, as far as columns keep it."""
    machine.settle()
    return {
        thread.tid: (
            *(thread.pid, thread.ptid, thread.comm, thread.cwd, thread.uid, thread.is_dead, thread.flags),
            {number: (fd.name, fd.type, fd.flags, fd.ino, fd.source_port) for number, fd in thread.descriptors.items()},
        )
        for thread in machine.threads
    }
