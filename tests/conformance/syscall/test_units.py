"""Upstream's unit tests that need an event: conditions, values, outputs, and what is said of whole captures.

Events are recorded as the C++ text that makes them; those made of literals are made here too.
"""

import ast
import json
import re
from collections import Counter

from recorded.syscalls import HOSTNAME, events, ruleset, scope
from recorded.verdict import Reason, Verdict

from falco.alerts import FormatOptions, JsonFormatter
from falco.conditions import parser
from falco.conditions.check import check_operand
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.rules.loader import RuleLoader
from falco_syscall.capture import CaptureReader
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.decoder import SyscallDecoder

ADDED = re.compile(r"add_event_advance_ts\(increasing_ts\(\),(\d+),PPME_(?:SYSCALL|SOCKET)_(\w+)_X,\d+,(.*)\)")
CAST = re.compile(r"\((?:u?int(?:32|64)_t)\)")
LITERAL = re.compile(r'-?(0|[1-9]\d*)|"[^"]*"')
OCTAL = re.compile(r"0[0-7]+")
SERVICES = {"domain": "53", "http": "80"}
SERVICE = re.compile(r"\b(domain|http)\Z")
FLAGS = re.compile(r"PPM_O_\w+(\|PPM_O_\w+)*")


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
    """The machine with the case's event; None where it is not made of literals."""
    if case["event"].startswith("generate_getcwd_failed_entry_event("):
        return with_getcwd()
    found = ADDED.fullmatch(case["event"])
    if found is None:
        return None
    tid, name, given = found.groups()
    values = []
    for part in CAST.sub("", given).split(","):
        text = case["event_locals"].get(part, part).strip("()")
        if LITERAL.fullmatch(text):
            values.append(ast.literal_eval(text))
        elif OCTAL.fullmatch(text):
            values.append(int(text, 8))
        elif FLAGS.fullmatch(text):
            values.append(text.replace("PPM_", ""))
        else:
            return None
    event = EVENTS[CODES[f"SYSCALL_{name}_X"]]
    params = {param.name: value for param, value in zip(event.params, values, strict=True)}
    params = {name: 0 if value == "O_NONE" else value for name, value in params.items()}
    return machine().event(event.name, int(tid), on_cpu=1, **params)


def loaded(condition, output="o"):
    """The rule compiled as these tests do, without asking which events it is about; None if it does not compile."""
    head = "- rule: r\n  desc: d\n  priority: INFO\n"
    loader = RuleLoader({"syscall": Scope("syscall", scope().fields, BUILT_IN)})
    text = f"{head}  condition: {json.dumps(condition)}\n  output: {json.dumps(output)}\n"
    result = loader.load("r.yaml", text.encode())
    return loader.rules if result.is_successful and loader.rules else None


def alerts(capture, rules):
    reader = list(capture.reader())
    selected = SyscallDecoder().select(reader, ruleset(rules, first_only=False))
    return [rule.alert(event) for residual, event in selected for rule in residual(event)]


def outcome(case, capture):
    rules = loaded(case["filter"])
    if case["result"] in {"throws", "no_throw"} or rules is None:
        return "throws" if rules is None else "no_throw"
    return bool(alerts(capture, rules))


def test_conditions_and_values_of_events(conformance):
    path = conformance / "unit" / "cases.jsonl"
    verdicts = {kind: Verdict(f"unit/{kind}") for kind in ("filter_eval", "field_value")}
    for case in lines(path):
        verdict = verdicts.get(case["kind"])
        if verdict is None:
            continue
        capture = made(case)
        if "sample." in case.get("filter", ""):
            verdict.excuse(Reason.OTHER_PLUGIN)
            continue
        if capture is None:
            verdict.excuse(Reason.SETUP_NOT_RECORDED)
            continue
        if case["kind"] == "filter_eval":
            got, wanted = outcome(case, capture), case["result"]
        else:
            operand = check_operand(parser.parse_operand(Text.of(case["field"])), scope())
            getter = operand.field.bind(operand.argument)
            (got,) = (str(getter(event)) for event in SyscallDecoder().events(list(capture.reader())))
            wanted = case["value"]
        if got == wanted:
            verdict.agree(case["id"])
        else:
            verdict.differ(case["id"], f"{case.get('filter')}: {got} instead of {wanted}")
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
            (alert,) = alerts(with_getcwd(case["caller_tid"], case["extra_procs"]), rules)
            how = unlike(expect, json.loads(formatter.render(alert)), is_json=case["output_format"] == "json")
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
