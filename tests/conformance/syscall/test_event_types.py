"""Which events a condition can hold for: unit tests of Falco's library, and what ``-L`` says."""

import gzip
import json

import pytest
from recorded.syscalls import lines, scope
from recorded.verdict import Verdict

from falco.conditions import parser
from falco.conditions.errors import ConditionError
from falco.documents.text import Text
from falco.rules.loader import RuleLoader


def infer(condition):
    return scope().event_types.infer(parser.parse(Text.of(condition)))


def expected(case):
    types = scope().event_types
    if "same_as" in case:
        return infer(case["same_as"])
    match case["event_types"]:
        case "all":
            return types.all
        case {"not": names}:
            return types.all - frozenset().union(*map(types.codes, names))
        case names:
            return frozenset().union(*map(types.codes, names))


def test_unit_tests(conformance):
    path = conformance / "unit" / "cases.jsonl"
    verdict = Verdict("syscall/evttypes")
    for case in lines(path):
        if case["kind"] != "evttypes":
            continue
        if "throws" in case:
            try:
                infer(case["filter"])
                got = False
            except ConditionError:
                got = True
            wanted = case["throws"]
        else:
            got, wanted = infer(case["filter"]), expected(case)
        if got == wanted:
            verdict.agree(case["id"])
        else:
            verdict.differ(case["id"], case["filter"])
    verdict.judge(path)


MACRO = "- macro: spawned_process\n  condition: evt.type in (execve, execveat)\n"


def rule(condition):
    head = "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n"
    return f"{MACRO}{head}  condition: {json.dumps(condition)}\n".encode()


def test_described_rules(oracle):
    folder = oracle / "syscall" / "conditions"
    conditions = {case["id"]: case["condition"] for case in lines(folder / "conditions.jsonl.gz")}
    types = scope().event_types
    verdict = Verdict("syscall/static_events")
    for case in lines(folder / "static_events.jsonl.gz"):
        if "events" not in case or case["id"] not in conditions:
            continue
        loader = RuleLoader({"syscall": scope()})
        loader.load("r.yaml", rule(conditions[case["id"]]))
        (loaded,) = loader.rules
        if types.names(loaded.event_types | types.always) == set(case["events"]):
            verdict.agree(case["id"])
        else:
            verdict.differ(case["id"], conditions[case["id"]])
    verdict.judge(folder / "static_events.jsonl.gz")


def test_official_rules(oracle):
    path = oracle / "syscall" / "official" / "describe_all3.json.gz"
    rules = oracle.parent / "upstream" / "rules"
    if not rules.is_dir():
        pytest.skip(f"the official rules are not there: {rules}")
    document = json.loads(gzip.decompress(path.read_bytes()))
    described = {rule["info"]["name"]: set(rule["details"]["events"]) for rule in document["rules"]}
    loader = RuleLoader({"syscall": scope()})
    for name in ("falco_rules.yaml", "falco-incubating_rules.yaml"):
        loader.load(name, (rules / name).read_bytes())
    types = scope().event_types
    verdict = Verdict("syscall/official_events")
    for loaded in loader.rules:
        if types.names(loaded.event_types | types.always) == described[loaded.name]:
            verdict.agree(loaded.name)
        else:
            verdict.differ(loaded.name, sorted(types.names(loaded.event_types) ^ described[loaded.name]))
    verdict.judge(path)
