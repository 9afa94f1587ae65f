"""Every recorded value of every field, event by event, against the state engine and the getters.

``--whole`` compares all events; otherwise every tenth is compared, with the state of all of them.
"""

import json
import re
from collections import Counter, defaultdict

import msgspec
from recorded.agreement import Agreement
from recorded.causes import Causes
from recorded.syscalls import captures, events, lines, scope
from recorded.verdict import Reason, Verdict

from falco.conditions import parser
from falco.conditions.check import check_operand
from falco.documents.text import Text
from falco.fields.format import TIME_FORMATS, Shape, json_of

FEW = 10
ONLY_FILES = re.compile(r"evt\.(time\.|datetime|rawtime|reltime\.|info)")
"""Recorded for the capture ``files`` only: elsewhere they say again what another field does."""
WHEN_CHANGED = re.compile(r"proc\.env(\[0\])?|proc\.aenv(\[1\])?|thread\.(cgroups|cap_.*)")
"""Recorded only where the value of the thread changed."""


def pytest_generate_tests(metafunc):
    oracle = metafunc.config.getoption("--oracle")
    metafunc.parametrize("capture", captures(oracle, "fields") if oracle.is_dir() else [])


class Column:
    """One expression, as an output shows it."""

    def __init__(self, expression):
        operand = check_operand(parser.parse_operand(Text.of(expression)), scope())
        field = operand.field
        bind = field.bind if field.shown is None else field.shown
        self.expression = expression
        self.get = bind(operand.argument)
        self.shape = Shape.of(operand)
        self.convert = json_of(self.shape)
        self.is_kept = bool(WHEN_CHANGED.fullmatch(expression))
        self.kept = {}

    def got(self, event):
        value = self.get(event)
        if value is None:
            return None
        if self.shape.format in TIME_FORMATS:
            return event.time_ns
        value = value if self.convert is None else self.convert(value)
        if isinstance(value, msgspec.Raw):
            return json.loads(bytes(value))
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return sorted(value) if isinstance(value, list) else value

    def wanted(self, event, recorded):
        value = recorded.get(self.expression)
        if self.is_kept:
            if self.expression in recorded:
                self.kept[event.tid] = value
            value = self.kept.get(event.tid)
        return sorted(value) if isinstance(value, list) else value


def test_fields(capture, oracle, request, record_property):
    step = 1 if request.config.getoption("--whole") else FEW
    folder = oracle / "syscall" / "fields"
    names = json.loads((folder / "field_names.json").read_text(encoding="utf-8"))
    unstable = defaultdict(set)
    for row in lines(folder / "unstable.jsonl.gz"):
        if row["capture"] == capture:
            unstable[row["field"]] |= set(row["events"])
    columns, recorded = {}, {}
    for kind, expressions in names.items():
        path = folder / f"{capture}.{kind}.jsonl.gz"
        if path.exists():
            recorded[kind] = {row["n"]: row["fields"] for row in lines(path)}
            columns[kind] = [
                Column(one)
                for one in expressions
                if one != "evt.num" and (capture == "files" or not ONLY_FILES.match(one))
            ]
    causes, found, examples = Causes(), Counter(), {}
    verdict = Verdict(f"syscall/fields/{capture}")
    agreement = Agreement(verdict.suite)
    shown = set()
    for event in events(oracle / "syscall" / "captures" / f"{capture}.scap"):
        shown.add(event.num)
        causes.follow(event)
        for kind, those in columns.items():
            row = recorded[kind].get(event.num, {})
            if not row and kind != "evtrawarg" and event.num > max(recorded[kind], default=0):
                continue
            for column in those:
                expression = column.expression
                if kind == "evtrawarg" and expression not in row:
                    continue
                want = column.wanted(event, row)
                if event.num % step or event.num in unstable.get(expression, ()):
                    continue
                got = column.got(event)
                if got == want:
                    verdict.agreed += 1
                    agreement.agree(expression)
                else:
                    cause = causes.of_value(event, expression, got, want) or "unexplained"
                    found[cause, expression] += 1
                    agreement.differ(expression, f"{cause} {expression}")
                    examples.setdefault((cause, expression), (event.num, event.name, got, want))
    agreement.hand_on(record_property)
    for (cause, expression), number in sorted(found.items()):
        num, name, got, want = examples[cause, expression]
        verdict.differ(f"{cause} {expression}", f"{number}, first {name} {num}: {got!r} instead of {want!r}")
        if cause != "unexplained":
            verdict.excused[Reason.LISTED_DIFFERENCE] += number - 1
    for kind, rows in recorded.items():
        if kind != "evtrawarg":
            assert {num for num in shown if num <= max(rows)} == set(rows), f"other events are shown ({kind})"
            break
    print(f"{capture}: {verdict.agreed} of {verdict.agreed + sum(found.values())} values agree")
    verdict.judge(oracle / "syscall" / "captures" / f"{capture}.scap")
