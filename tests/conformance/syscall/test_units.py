"""Upstream's unit tests that need an event: conditions, values, outputs, and what is said of whole captures.

Events are recorded as the C++ text that makes them (``recorded.constructed``).
"""

import json
import re
from collections import Counter
from fnmatch import fnmatchcase

import pytest
from recorded.constructed import NotRecordedError, Scene
from recorded.preparations import POKED, prepared
from recorded.syscalls import HOSTNAME, events, ruleset, scope
from recorded.verdict import Reason, Verdict

from falco.alerts import FormatOptions, JsonFormatter
from falco.conditions import parser
from falco.conditions.check import check_operand
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields.format import Shape, text_of
from falco.rules.loader import RuleLoader
from falco_syscall.capture import CaptureReader
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.decoder import SyscallDecoder

OTHER_PLUGIN = re.compile(r"\b(sample|static)\.")
UNIT_HOSTNAME = "testbox"
"""What upstream's tests call the machine."""
SERVICES = {"domain": "53", "http": "80"}
SERVICE = re.compile(r"\b(domain|http)\Z")


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def machine():
    """What the tests have before their event."""
    arguments = ["context", "ls", "--format", "{{json .}}"]
    init = CaptureBuilder().process(1, "init", exe="/sbin/init", args=arguments, cwd="/root/")
    return init.file(1, 0, "/dev/null")


def with_getcwd(tid=1, processes=()):
    capture = machine()
    for one in processes:
        capture.process(one["child_tid"], one["comm"], ptid=one["parent_tid"], pid=one["child_tid"])
    return capture.event("getcwd", tid, res=-1, path="/test/dir")


def made(case):
    """The items of a capture whose last event is the case's.

    Raises:
        NotRecordedError: The record does not say what the event or the machine is.
    """
    if case["event"] is None or any(fnmatchcase(case["id"], pattern) for pattern in POKED):
        raise NotRecordedError(case["id"])
    capture, values, rows = machine(), {}, prepared(case)
    for row in rows:
        values |= row.values
        if row.machine is not None:
            row.machine(capture)
    for row in rows:
        if row.before is not None:
            row.before(capture)
    *items, place = list(capture.event("getcwd", 1).reader())
    return [*items, Scene(case["event_locals"], values).event(case["event"], place.num, place.time_ns)]


def loaded(condition, output="o"):
    """The rule compiled as these tests do, without asking which events it is about; None if it does not compile."""
    head = "- rule: r\n  desc: d\n  priority: INFO\n"
    loader = RuleLoader({"syscall": Scope("syscall", scope().fields, BUILT_IN)})
    text = f"{head}  condition: {json.dumps(condition)}\n  output: {json.dumps(output)}\n"
    result = loader.load("r.yaml", text.encode())
    return loader.rules if result.is_successful and loader.rules else None


def matched(items, rules):
    """(rule, event) of what matches among the items of a capture."""
    for residual, event in SyscallDecoder().select(items, ruleset(rules, first_only=False)):
        for rule in residual(event):
            yield rule, event


def outcome(case, items):
    rules = loaded(case["filter"])
    if case["result"] in {"throws", "no_throw"} or rules is None:
        return "throws" if rules is None else "no_throw"
    return any(event.num == items[-1].num for _, event in matched(items, rules))


def shown(name, items):
    """The field of the last event, as a text shows it."""
    operand = check_operand(parser.parse_operand(Text.of(name)), scope(UNIT_HOSTNAME))
    field, shape = operand.field, Shape.of(operand)
    getter = (field.bind if field.shown is None else field.shown)(operand.argument)
    for event in SyscallDecoder().events(items):
        found = getter(event) if event.num == items[-1].num else None
    return None if found is None else (text_of(shape) or str)(found)


def is_about_the_unknown(items):
    """Whether the last event is about a thread or a descriptor that nothing in the record has made known."""
    *_, event = SyscallDecoder().events(items)
    return event.thread is None or not event.thread.is_valid or (event.fd is None and event.fd_number >= 0)


def is_shown_as(wanted, found):
    """Lists are shown in no particular order."""
    if wanted.startswith("(") and found is not None:
        return sorted(wanted[1:-1].split(",")) == sorted(found[1:-1].split(","))
    return found == wanted


@pytest.mark.parametrize("file", ["cases", "event_cases"])
def test_conditions_and_values_of_events(conformance, file):
    path = conformance / "unit" / f"{file}.jsonl"
    suite = "unit" if file == "cases" else f"unit/{file}"
    verdicts = {kind: Verdict(f"{suite}/{kind}") for kind in ("filter_eval", "field_value")}
    for case in lines(path):
        if case["kind"] == "filter_compile" and file == "event_cases":  # those of cases.jsonl need no event
            case |= {"kind": "filter_eval", "result": "no_throw" if case["compiles"] else "throws"}
        verdict = verdicts.get(case["kind"])
        if verdict is None:
            continue
        if OTHER_PLUGIN.search(case.get("filter") or case["field"]):
            verdict.excuse(Reason.OTHER_PLUGIN)
            continue
        try:
            items = made(case)
        except NotRecordedError:
            verdict.excuse(Reason.SETUP_NOT_RECORDED)
            continue
        if case["kind"] == "filter_eval":
            got = outcome(case, items)
            agrees = got == case["result"]
        else:
            got = shown(case["field"], items)
            agrees = is_shown_as(case["value"], got)
        if agrees:
            verdict.agree(case["id"])
        elif not prepared(case) and is_about_the_unknown(items):
            verdict.excuse(Reason.SETUP_NOT_RECORDED)
        else:
            asked, wanted = case.get("filter") or case["field"], case.get("value", case.get("result"))
            verdict.differ(case["id"], f"{asked}: {got!r} instead of {wanted!r}")
    for verdict in verdicts.values():
        verdict.judge(path)


def test_outputs(conformance):
    path = conformance / "unit" / "cases.jsonl"
    verdict = Verdict("unit/format")
    formatter = JsonFormatter(FormatOptions(hostname=HOSTNAME))
    for case in lines(path):
        if case["kind"] != "format":
            continue
        expect = case["expect"]
        rules = loaded("evt.type = getcwd", case["format"])
        if expect.get("throws", False) or rules is None:
            how = "" if expect.get("throws", False) == (rules is None) else f"{case['format']}: loads: {bool(rules)}"
        else:
            items = list(with_getcwd(case["caller_tid"], case["extra_procs"]).reader())
            ((rule, event),) = matched(items, rules)
            how = unlike(
                expect, json.loads(formatter.render(rule.alert(event))), is_json=case["output_format"] == "json"
            )
        if how:
            verdict.differ(case["id"], how)
        else:
            verdict.agree(case["id"])
    verdict.judge(path)


def unlike(expect, shown, *, is_json):
    """How the alert is not what the test expects; of an output that stops early ours goes on with <NA>."""
    fields = {name: value for name, value in shown["output_fields"].items() if name != "evt.time"}
    missing = [name for name in expect.get("field_names_contain", ()) if name not in fields]
    if missing:
        return f"without {missing}"
    if expect.get("complete") is not True or is_json:
        return ""
    text = shown["output"].partition(" Informational ")[2]
    return "" if text == expect["output"] else f"{text!r} instead of {expect['output']!r}"


def test_recorded_captures_of_upstream(conformance):
    path = conformance / "unit" / "scap_cases.jsonl"
    verdict = Verdict("conformance/scap_cases")
    for case in lines(path):
        how = KINDS[case["kind"]](case, conformance / case["scap"])
        if how:
            verdict.differ(case["id"], how)
        else:
            verdict.agree(case["id"])
    verdict.judge(path)


def chosen(case, capture):
    rules = ruleset(loaded(case["event_filter"]), first_only=False)
    for residual, event in SyscallDecoder().select(CaptureReader(capture), rules):
        if any(residual(event)):
            yield event


def value(name, event):
    operand = check_operand(parser.parse_operand(Text.of(name)), scope())
    field = operand.field
    found = (field.bind if field.shown is None else field.shown)(operand.argument)(event)
    if isinstance(found, bool):
        return str(found).lower()
    return None if found is None else str(found)


def unlike_values(expected, event):
    return [
        f"{event.num} {name}: {value(name, event)!r} instead of {want!r}"
        for name, want in expected.items()
        if value(name, event) not in with_numbers(want)
    ]


def with_numbers(want):
    """The texts with service names as numbers: the tests run with names switched on, which no recorded Falco does."""
    texts = [want] if isinstance(want, str) else want
    return [SERVICE.sub(lambda found: SERVICES[found[1]], text) for text in texts]


def fields_follow(case, capture):
    faults, after, connected, number = [], [], False, 0
    for event in chosen(case, capture):
        number += 1
        faults += unlike_values(case["expect"].get("always", {}), event)
        connected = connected or event.name in case["connected_when_evt_type_seen"]
        if connected:
            faults += unlike_values(case["expect"].get("after_connected", {}), event)
        if connected:
            after.append(event.num)
    for condition in case.get("after_connected_filters_true", ()):
        matched = {event.num for event in chosen({"event_filter": condition}, capture)}
        faults += [f"{num} {condition}: is not true" for num in after if num not in matched]
    return "no event" if not number else "; ".join(faults[:3])


def names_follow(case, capture):
    steps = [*case["fd.name_in_order"]]
    for event in chosen(case, capture):
        if event.name in case["on_evt_types"]:
            while steps and value("fd.name", event) not in with_numbers(steps[0]):
                steps.pop(0)
            if not steps:
                return f"{event.num}: {value('fd.name', event)} is not next"
    return "" if len(steps) == 1 else f"{len(steps) - 1} names were not seen"


def counts(case, capture):
    if "threads_after_open" in case:
        (first,) = [len(event.machine.threads) for _, event in zip(range(1), events(capture), strict=False)]
        return "" if first == case["threads_after_open"] else f"{first} threads"
    found = Counter(f"PPME_{EVENTS[event.code].constant}" for event in events(capture))
    wrong = {name: found[name] for name, want in case["event_counts"].items() if found[name] != want}
    return str(wrong) if wrong else ""


def one_event(case, capture):
    code = CODES[case["type"].removeprefix("PPME_")]
    for event in events(capture):
        if event.time_ns == case["ts"] and event.tid == case["tid"] and event.code == code:
            index = {param.name: at for at, param in enumerate(EVENTS[code].params)}
            got = {name: event.number(index[name]) for name in case["params"]}
            return "" if got == case["params"] else f"{got}"
    return "no such event"


KINDS = {"scap_fields": fields_follow, "scap_sequence": names_follow, "scap_counts": counts, "scap_event": one_event}
