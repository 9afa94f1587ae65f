"""Events that upstream's unit tests record as the C++ text that makes them, made again.

The text names what the test has beside it: locals, which the record holds, and what stood before the event, which it
does not hold (``recorded.preparations``).
"""

import ast
import re
from itertools import chain

from falco_syscall.capture import CaptureEvent
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.capture.linux import ERRORS
from falco_syscall.capture.values import default, encode

EVENT = re.compile(r"add_event_advance_ts\((.*)\)", re.DOTALL)
HELPER = re.compile(r"generate_(\w+)\((.*)\)")
CAST = re.compile(r"\(u?int(?:8|16|32|64)_t\)")
NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|0[0-7]+|[0-9]+)")
NAME = re.compile(r"[A-Za-z_]\w*(?:::\w+)*")
ACCESS = re.compile(r"(\w+)\.(?:c_str|data)\(\)")
SIZE = re.compile(r"(\w+)\.size\(\)")
BUFFER = re.compile(r"scap_const_sized_buffer\{(\w+)(?:\.\w+\(\))?,.*\}")
PACKED = re.compile(r"test_utils::pack_\w+\((.*)\)")
ADDRESS = re.compile(r"reinterpret_cast<sockaddr\*>\(&(\w+)\)")
FLAGS = re.compile(r"PPM_\w+(\|PPM_\w+)*")

ERROR_NUMBERS = {name: number for number, name in ERRORS.items()}
CONSTANTS = {
    "NULL": None,
    "nullptr": None,
    "{nullptr,0}": None,
    "INIT_TID": 1,
    "INIT_PID": 1,
    "INIT_PTID": 0,
    "sinsp_test_input::open_params::default_fd": 4,
    "sinsp_test_input::socket_params::default_fd": 4,
    "return_value": 0,
}
CPU = 1


class NotRecordedError(Exception):
    """The text does not say what the event is made of."""


def parts(text, separator=","):
    """The text cut at separators that are in no bracket and no quotes."""
    found, depth, quoted = [""], 0, False
    for at, sign in enumerate(text):
        if sign == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (sign in "({[") - (sign in ")}]")
            if sign == separator and not depth:
                found.append("")
                continue
        found[-1] += sign
    return [part.strip() for part in found]


def declared(recorded):
    """The locals of a test: ``fd = 3, oldfd = 3`` is recorded as one value of ``fd``."""
    found = {}
    for name, text in (recorded or {}).items():
        first, *others = parts(text)
        found[name] = first
        for other in others:
            if "=" in other:
                found.setdefault(*other.split("=", 1))
    return found


class Scene:
    """What the names in the text stand for: *values* as Python has them, *recorded* in C++."""

    def __init__(self, recorded, values):
        self.recorded = declared(recorded)
        self.values = CONSTANTS | values

    def value(self, text):
        """An argument as ``encode`` takes it."""
        text = CAST.sub("", text).strip()
        while text.startswith("(") and text.endswith(")"):
            text = text[1:-1]
        if text in self.values:
            return self.values[text]
        if text.startswith('"'):
            return bytes_or_text(text)
        if NUMBER.fullmatch(text):
            return number(text)
        if text.startswith("-SE_"):
            return -ERROR_NUMBERS[text.removeprefix("-SE_")]
        if FLAGS.fullmatch(text):
            return 0 if text == "PPM_O_NONE" else text.replace("PPM_", "")
        if found := SIZE.fullmatch(text):
            return len(self.value(found[1]))
        if found := ACCESS.fullmatch(text) or BUFFER.fullmatch(text):
            return self.value(found[1])
        if PACKED.fullmatch(text):
            ends = [self.named(name) for name in ADDRESS.findall(text)]
            return ends[0] if len(ends) == 1 else tuple(chain.from_iterable(ends))
        if NAME.fullmatch(text):
            return self.named(text)
        raise NotRecordedError(text)

    def named(self, name):
        if name not in self.values and name not in self.recorded:
            raise NotRecordedError(name)
        return self.values[name] if name in self.values else self.value(self.recorded[name])

    def event(self, text, num, time_ns):
        """The event that *text* makes."""
        if found := HELPER.fullmatch(text or ""):
            helper = HELPERS.get(found[1])
            if helper is None:
                raise NotRecordedError(found[1])
            given = [self.value(part) for part in parts(found[2]) if part]
            return event(*helper(*given), num=num, time_ns=time_ns)
        found = EVENT.fullmatch(text or "")
        if found is None:
            raise NotRecordedError("no event")
        _, tid, kind, count, *given = parts(found[1])
        values = [self.value(part) for part in given[: int(count)]]
        return event(self.value(tid), kind.removeprefix("PPME_"), values, num=num, time_ns=time_ns)


def event(tid, kind, values, *, num, time_ns):
    """An event of *values*, which may be fewer than its parameters."""
    code = CODES[kind]
    info = EVENTS[code]
    params = [encode(param, value) for param, value in zip(info.params, values, strict=False)]
    return CaptureEvent(num, time_ns, tid, CPU, code, params, stored_code=code)


def bytes_or_text(text):
    """A literal; characters of one byte each that are no UTF-8 are bytes."""
    literal = ast.literal_eval(text)
    return literal.encode("latin-1").decode("utf-8", "surrogateescape")


def number(text):
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    return sign * int(digits, 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10)


def named(kind, **values):
    """Values in the order of the parameters; those not named have their default."""
    return [
        encode(param, values[param.name]) if param.name in values else default(param)
        for param in EVENTS[CODES[kind]].params
    ]


def executed(result, _caller, *given):
    tid, pid, ptid, path, comm, exepath = (*given, "/bin/test-exe")[:6]
    kind = "SYSCALL_EXECVE_19_X"
    what = {"res": result, "exe": path, "comm": comm, "tid": tid, "pid": pid, "ptid": ptid}
    return tid, kind, named(kind, **what, trusted_exepath=exepath, filename=path, uid=0, gid=0, loginuid=0)


HELPERS = {
    "getcwd_failed_entry_event": lambda: (1, "SYSCALL_GETCWD_X", [-1, "/test/dir"]),
    "socket_exit_event": lambda: (1, "SOCKET_SOCKET_X", [4, "AF_INET", 1, 0]),
    "execve_enter_and_exit_event": executed,
    "random_event": lambda tid=1: (tid, "SYSCALL_GETCWD_X", [-1, "/test/dir"]),
    "proc_exit_event": lambda tid, reaper: (tid, "PROCEXIT_1_E", [0, 0, 0, 0, reaper]),
}
"""Functions of upstream's tests that make an event: (tid, type, values)."""
