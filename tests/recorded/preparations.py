"""What upstream's unit tests have before the event that is recorded: it is not in the record, and is made up for here.

A row says for which cases and which events it holds. What a test pokes into Falco's memory cannot be made up for:
these cases are listed too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from falco_syscall.state.threads import CLONE_FILES, CLONE_THREAD


@dataclass(frozen=True)
class Preparation:
    """What cases whose id matches *cases* and whose event matches *event* have.

    ``values``: what names in the C++ text stand for. ``machine``: more of the machine. ``before``: earlier events.
    """

    cases: str
    event: str = "*"
    values: dict = field(default_factory=dict)
    machine: Callable | None = None
    before: Callable | None = None


CLIENT, SERVER = ("172.40.111.222", 54321), ("142.251.111.147", 443)
CLIENT6, SERVER6 = ("::1", 54321), ("2001:4860:4860::8888", 443)
FILE = "/tmp/the_file"


def addresses(client, server):
    return {"client": client} | dict.fromkeys(("server", "server1", "server2"), server)


def socket(domain):
    return lambda capture: capture.event("socket", 1, fd=4, domain=domain, type=1, proto=0)


def connected(capture):
    socket("AF_INET")(capture).event("connect", 1, res=0, fd=4, tuple=(*CLIENT, *SERVER), addr=SERVER)


def opened(*files):
    def before(capture):
        for fd, name in files:
            capture.event("open", 1, fd=fd, name=name, flags="O_RDWR", mode=0, dev=0, ino=0)

    return before


def entered(call, tid=1):
    return Preparation(
        "libs/events_param/*",
        f"*,PPME_SYSCALL_{call}_X,*",
        before=lambda c: c.event(f"SYSCALL_{call}_E", tid, name=FILE),
    )


def process(uid=0, **names):
    """The process with this user and loginuid root; the accounts are *names*, by number."""

    def machine(capture):
        capture.process(1, "init", exe="/sbin/init", cwd="/root/", uid=uid, loginuid=0)
        for number, (name, home, shell) in names.items():
            capture.user(int(number.removeprefix("u")), name, home=home, shell=shell)

    return machine


def threads(alive=(2, 3, 4)):
    """A process of three threads, of which *alive* still are when the event comes."""

    def machine(capture):
        for tid in (2, 3, 4):
            flags = 0 if tid == 2 else CLONE_THREAD | CLONE_FILES
            capture.process(tid, "p2", pid=2, flags=flags)

    def before(capture):
        for tid in {2, 3, 4}.difference(alive):
            capture.event("procexit", tid, reaper_tid=3)

    return {"machine": machine, "before": before, "values": {"p2_t1_tid": 2, "p2_t2_tid": 3, "p2_t3_tid": 4}}


def standard_streams(capture):
    for fd in range(3):
        capture.socket(1, fd, CLIENT, SERVER)


def in_namespace(capture):
    capture.process(0x100000010, "a", vtid=0x100000010).process(0x100000100, "b", vtid=3, vpid=3)


PREPARATIONS = (
    Preparation("libs/events_evt/event_category#[4-6]", before=opened((4, FILE))),
    Preparation("libs/events_evt/event_category#[7-9]", before=opened((4, FILE), (5, FILE))),
    Preparation("libs/events_file/dup_dup2_dup3#*", before=opened((3, "/tmp/test"))),
    Preparation("libs/events_file/fchown#*", "*_FCHOWN_X,*", before=opened((3, "/tmp/test"))),
    Preparation("libs/events_file/path_too_long#*", values={"long_path": "/" + "/".join(x * 400 for x in "ABC")}),
    Preparation("libs/events_file/test_fdtypes#[5-9]", before=opened((1, FILE))),
    Preparation(
        "libs/events_file/test_fdtypes#1[0-9]",
        before=lambda c: opened((1, FILE))(c) or c.event("bpf", 1, fd=2, cmd=0),
    ),
    Preparation(
        "libs/events_file/test_pidfd#*",
        "*_PIDFD_GETFD_X,*",
        machine=lambda c: c.process(2, "other").file(2, 3, FILE),
        before=lambda c: c.event("pidfd_open", 1, fd=1, pid=2, flags=0),
    ),
    *(entered(call) for call in ("OPEN", "OPENAT_2", "OPENAT2", "CREAT")),
    Preparation(
        "libs/events_param/filename_toctou#*",
        "*,3,PPME_SYSCALL_OPEN_X,*",
        before=lambda c: c.event("SYSCALL_OPEN_E", 3, name=FILE),
    ),
    Preparation(
        "libs/events_param/filename_toctou#*",
        "*,2,PPME_SYSCALL_CREAT_X,*",
        before=lambda c: c.event("SYSCALL_CREAT_E", 2, name=FILE),
    ),
    Preparation("libs/events_param/execve_invalid_path_entry#*", values={"filename": "<NA>"}),
    Preparation("libs/*/net_ipv4_*", "*_CONNECT_X,*", values=addresses(CLIENT, SERVER), before=socket("AF_INET")),
    Preparation("libs/*/net_modifier_*", "*_CONNECT_X,*", values=addresses(CLIENT, SERVER), before=socket("AF_INET")),
    Preparation("libs/*/net_ipv6_*", "*_CONNECT_X,*", values=addresses(CLIENT6, SERVER6), before=socket("AF_INET6")),
    Preparation("libs/events_net/net_bind_*", values=addresses(CLIENT, SERVER), before=socket("AF_INET")),
    Preparation("libs/events_net/net_connect_exit_event_fails#*", values=addresses(CLIENT, SERVER), before=connected),
    Preparation(
        "libs/events_net/net_connect_enter_event_is_missing#*",
        values=addresses(("80.9.11.45", 12), ("152.40.111.222", 25632)),
        before=socket("AF_INET"),
    ),
    Preparation("libs/mock/check_some_fd_fields#*", values=addresses(CLIENT6, SERVER6), before=socket("AF_INET6")),
    Preparation("libs/*/bytebuf_matches_nul#*", values={"read_buf": "a\0b"}),
    Preparation("libs/*/filter_cache_pointer_instability#*", machine=lambda c: c.process(2, "other")),
    Preparation(
        "libs/events_proc/pid_over_32bit#*",
        machine=in_namespace,
        values=dict.fromkeys(("argsv", "cgroupsv", "envv"), b""),
    ),
    Preparation("libs/events_user/setuid_setgid#3", before=lambda c: c.event("setuid", 1, res=0, uid=500)),
    Preparation("libs/events_user/setuid_setgid#4", before=lambda c: c.event("setgid", 1, res=0, gid=600)),
    Preparation(
        "libs/events_user/setresuid_setresgid#2",
        before=lambda c: c.event("setresuid", 1, res=0, ruid=600, euid=600, suid=600),
    ),
    Preparation("libs/evt/EVT_FILTER_check_evt_arg_uid#[1-4]", machine=process(u5=("test", "/test", "/bin/test"))),
    Preparation("libs/proc/PROC_FILTER_nthreads#1", **threads()),
    Preparation("libs/proc/PROC_FILTER_nthreads#2", **threads()),
    Preparation("libs/proc/PROC_FILTER_nchilds#[1-2]", **threads()),
    Preparation("libs/proc/PROC_FILTER_nchilds#3", **threads(alive=(3, 4))),
    Preparation(
        "libs/proc/PROC_FILTER_exepath#*",
        machine=lambda c: c.process(7, "p6"),
        values=dict.fromkeys(("p6_t1_tid", "p6_t1_pid"), 7) | {"p6_t1_ptid": 1},
    ),
    Preparation("libs/proc/PROC_FILTER_stdin_stdout_stderr#*", machine=standard_streams),
    Preparation(
        "libs/user/USER_FILTER_extract_from_existent_user_entry#[1-6]",
        machine=process(1000, u1000=("foo", "/foo", "/bin/bash")),
    ),
    Preparation("libs/user/USER_FILTER_extract_from_existent_user_entry#[7-9]", machine=process(1000)),
    Preparation("libs/user/USER_FILTER_extract_from_existent_user_entry#1[0-2]", machine=process(1000)),
    Preparation(
        "libs/user/USER_FILTER_extract_from_existent_user_entry#1[3-8]",
        machine=process(1000, u1000=("bar", "/bar", "/bin/bash")),
    ),
    Preparation("libs/user/USER_FILTER_extract_from_*_without_metadata#*", machine=process(u0=("", "", ""))),
    Preparation("libs/user/USER_FILTER_extract_from_loaded_user_entry#*", machine=process(u0=("root", "/root", "/sh"))),
)

POKED = (
    "libs/proc/PROC_FILTER_nthreads#3",
    "libs/proc/PROC_FILTER_nchilds#4",
    "libs/proc/PROC_FILTER_pgid_family#*",
)
"""Cases about a thread whose record the test has changed by hand."""


def prepared(case):
    """The rows that hold for a case."""
    text = case["event"] or ""
    return [row for row in PREPARATIONS if fnmatchcase(case["id"], row.cases) and fnmatchcase(text, row.event)]
