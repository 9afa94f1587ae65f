"""Output templates against the recorded answers of Falco: what is a token, what is an error, what comes out."""

import gzip
import json

import pytest
import yaml

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter, values
from falco.conditions.checked import TRUE
from falco.conditions.errors import ConditionError
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields import Argument, Field, FieldType, Quantifier, evt
from falco.fields.registry import Fields
from falco.rules.model import Priority, Rule
from falco.templates.parse import parse
from falco_k8s_audit import fields as k8s_fields


def jsonl(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rule_of(output, scope):
    return Rule(0, "r", scope.source, Priority.INFORMATIONAL, TRUE, parse(Text.of(output), scope))


# ---- unit tests of Falco's formatter: an event of the process 1, "init", or of a child of it ----


class Process:
    """The event of the recorded tests: getcwd failed, in a process with ancestors."""

    num = 1
    time_ns = 0
    start_ns = 0

    def __init__(self, tid, extra):
        self.tid = tid
        parents = {child["child_tid"]: (child["parent_tid"], child["comm"]) for child in extra}
        self.ancestry = []
        while tid in parents:
            self.ancestry.append((tid, parents[tid][1], parents[tid][1]))
            tid = parents[tid][0]
        self.ancestry.append((1, "init", "/sbin/init"))


def ancestor(index):
    """Fields of the nth ancestor, 0 being the process itself; without a number of all but itself."""

    def bind(argument):
        if argument is None:
            return lambda event: tuple(process[index] for process in event.ancestry[1:]) or None
        number = int(argument)
        return lambda event: event.ancestry[number][index] if number < len(event.ancestry) else None

    return bind


def own(index):
    return lambda argument: lambda event: event.ancestry[int(argument or 0)][index]


def parameter(argument):
    value = {"0": "-2", "res": "-2", "1": "/test/dir", "path": "/test/dir"}.get(argument)
    return lambda event: value


ANCESTRY = {"argument": Argument.OPTIONAL_INDEX, "quantifier": Quantifier.ANY}
SYSCALL_FIELDS = (
    *evt.fields(source="syscall", hostname="h"),
    Field("proc.name", own(1)),
    Field("proc.pid", own(0), FieldType.INT64),
    Field("thread.tid", lambda _arg: lambda event: event.tid, FieldType.INT64),
    Field("fd.type", lambda _arg: lambda _event: None),
    Field("proc.aname", ancestor(1), **ANCESTRY),
    Field("proc.aexe", ancestor(2), **ANCESTRY),
    Field("proc.apid", ancestor(0), FieldType.INT64, shown=own(0), **ANCESTRY),
    Field(
        "evt.arg",
        parameter,
        argument=Argument.INDEX_OR_KEY,
        spelling=lambda rest: rest[1:] if rest == ".path" else None,
    ),
)


UNCOUNTED = "libs/eventformatter/join_with_inner_transformer#1"
"""The record counts four fields; the fifth, ``tolower(evt.arg.path)``, differs in nothing from ``toupper(proc.name)``."""


def test_unit_tests_of_the_formatter(conformance):
    scope = Scope("syscall", Fields("syscall", SYSCALL_FIELDS), BUILT_IN)
    cases = [case for case in jsonl(conformance / "unit" / "cases.jsonl") if case["kind"] == "format"]
    assert cases

    for case in cases:
        wrong = check_unit(case, scope)
        assert not wrong, f"{case['id']}: {wrong}"


def check_unit(case, scope):
    """What differs from the record of *case*; "" if nothing."""
    expect = case["expect"]
    try:
        rule = rule_of(case["format"], scope)
    except ConditionError:
        return "" if expect.get("throws") else "refused"
    if expect.get("throws"):
        return "accepted"
    names = [name for token in rule.output.tokens for name in token.names]
    if case["resolve_transformed_fields"] is False:
        names = [key for token in rule.output.tokens for key, _use in token.fields]
    problems = []
    count = len(set(names))
    if is_complete(expect) and case["id"] != UNCOUNTED:
        count = expect.get("num_field_names", expect.get("num_fields", count))
    if len(set(names)) != count or not set(expect.get("field_names_contain", ())) <= set(names):
        problems.append(f"names {names}")
    event = Process(case["caller_tid"], case["extra_procs"])
    template = AlertTemplate.of(rule)
    alert = Alert(template, 1, 0, values(rule)(event))
    document = json.loads(JsonFormatter(FormatOptions(include_message=True)).render(alert))
    shown = {key: "<NA>" if value is None else str(value) for key, value in document["output_fields"].items()}
    for key, value in expect.get("fields", {}).items():
        if "(" not in key and shown.get(key) != value:
            problems.append(f"{key} is {shown.get(key)}")
    if (
        case["output_format"] == "normal"
        and "output" in expect
        and is_complete(expect)
        and document["message"] != expect["output"]
    ):
        problems.append(document["message"])
    return "; ".join(problems)


def is_complete(expect):
    """Whether the record is of a whole output: without a leading ``*`` it stops where a field is absent."""
    return expect.get("complete", True)


# ---- rule files with one output each ----


def k8s_scope():
    rows = (*evt.fields(source="k8s_audit", plugin="k8saudit", hostname="test-host"), *k8s_fields.FIELDS)
    return Scope("k8s_audit", Fields("k8s_audit", rows), BUILT_IN)


def test_outputs_of_rule_files_are_accepted_and_refused_as_recorded(oracle):
    folder = oracle / "k8s_audit" / "validation"
    described = {case["id"]: case.get("describe") for case in jsonl(folder / "describe.jsonl.gz")}
    scope = k8s_scope()
    seen = 0
    for case in jsonl(folder / "files.jsonl.gz"):
        output = single_output(case)
        if output is None:
            continue
        seen += 1
        errors = [error["message"] for error in case["json"]["falco_load_results"][0]["errors"]]
        if errors:
            with pytest.raises(ConditionError) as caught:
                parse(Text.of(output), scope)
            assert caught.value.message == errors[0], output
        else:
            names = [name for token in parse(Text.of(output), scope).tokens for name in token.names]
            assert sorted(set(names)) == sorted(described[case["id"]]["rules"][0]["details"]["output_fields"]), output
    assert seen


def single_output(case):
    """The output of the one rule of *case*, as the rule loader hands it over; None where there is no such rule."""
    if case["cat"] != "output" or not case.get("json"):
        return None
    try:
        items = yaml.safe_load(case["text"])
    except yaml.YAMLError:
        return None
    outputs = [item["output"] for item in items if isinstance(item, dict) and isinstance(item.get("output"), str)]
    return outputs[0].strip().replace("%container.info", "") if len(outputs) == 1 else None
