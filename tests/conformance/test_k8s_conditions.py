"""Conditions on Kubernetes audit events: what Falco says of each, and which of 218 events each matches."""

import base64
import gzip
import json

import pytest
from recorded import scopes
from recorded.verdict import Reason, Verdict

from falco.conditions import bind
from falco.conditions.checked import Check, Not, Or
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco_k8s_audit.decoder import AuditDecoder

PULLS = {"l_nested": ("l_ns", "l_one"), "m_pod": ("m_create",)}


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def folder(oracle):
    return oracle / "k8s_audit"


@pytest.fixture(scope="module")
def prelude(folder):
    return json.loads((folder / "conditions" / "prelude.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def load(prelude):
    """Loads the file that Falco was given: a rule, and what of the prelude it may name."""
    sources = {"k8s_audit": scopes.audit()}

    def load_rule(condition):
        loader = RuleLoader(sources)
        return loader, loader.load("rules.yaml", rule_file(condition, prelude).encode())

    return load_rule


def rule_file(condition, prelude):
    wanted = {name for kind in prelude.values() for name in kind if name in condition}
    wanted |= {pulled for name in wanted for pulled in PULLS.get(name, ())}
    text = ""
    for name, items in prelude["lists"].items():
        text += f"- list: {name}\n  items: {json.dumps(items)}\n" if name in wanted else ""
    for name, body in prelude["macros"].items():
        text += f"- macro: {name}\n  condition: {json.dumps(body)}\n" if name in wanted else ""
    return text + (
        f"- rule: r\n  desc: d\n  condition: {json.dumps(condition)}\n"
        '  output: "%evt.num"\n  priority: INFO\n  source: k8s_audit\n'
    )


def what_it_is_about(case):
    return f"{case['id']} {case['condition']}"


def test_what_falco_says_of_a_condition(folder, load):
    verdict = Verdict("k8s_audit/conditions")
    path = folder / "conditions" / "conditions.jsonl.gz"
    for case in lines(path):
        if case["compiles"] is None:
            verdict.excuse(Reason.FALCO_CRASH)
        elif (ours := said(load(case["condition"])[1], case)) != (recorded := recorded_of(case)):
            verdict.differ(what_it_is_about(case), f"{ours} instead of {recorded}")
        else:
            verdict.agree(what_it_is_about(case))
    verdict.judge(path)


def said(result, case):
    document = result.to_json()
    warnings = [[warning["code"], warning["message"]] for warning in document["warnings"]]
    ours = {
        "compiles": document["successful"],
        "warnings": [warning for warning in warnings if not warning[0].startswith("LOAD_UNUSED")],
    }
    if document["errors"]:
        error = document["errors"][0]
        location = error["context"]["locations"][-1]
        place = [location["position"][key] for key in ("line", "column", "offset")]
        ours |= {"code": error["code"], "error": error["message"], "loc": location["item_type"]}
        ours |= {"pos": place} if "pos" in case else {}
    return ours


def recorded_of(case):
    found = {key: case[key] for key in ("code", "error", "loc", "pos") if key in case}
    return {"compiles": case["compiles"], "warnings": case.get("warnings", []), **found}


def test_which_events_a_condition_matches(folder, load):
    verdict = Verdict("k8s_audit/conditions/matches")
    path = folder / "conditions" / "matches.jsonl.gz"
    conditions = {case["id"]: case for case in lines(folder / "conditions" / "conditions.jsonl.gz")}
    events = audit_events(folder, load)
    compared = {event.num for event in events}
    for row in lines(path):
        case = conditions[row["id"]]
        if row["events"] is None:
            verdict.excuse(Reason.FALCO_CRASH)
            continue
        (rule,) = load(case["condition"])[0].rules
        test = decided(rule.condition)
        ours = [event.num for event in events if test(event)]
        recorded = [num for num in row["events"] if num in compared]
        if ours == recorded:
            verdict.agree(what_it_is_about(case))
        else:
            verdict.differ(what_it_is_about(case), f"matches {ours} instead of {recorded}")
    verdict.judge(path)


def audit_events(folder, load):
    """The events of the record, read by the plugin, without those that it reads otherwise on purpose."""
    recorded = lines(folder / "k8s" / "events.jsonl.gz")
    records = [raw(recorded[row["k8s_line"]]["line"]) for row in lines(folder / "conditions" / "events.jsonl")]
    loader, _ = load("evt.num exists")
    everything = Ruleset(loader.rules, dispatch=AuditDecoder.dispatch, first_only=False)
    decoder = AuditDecoder()
    events = [event for record in records for _, event in decoder.select([record], everything)]
    assert len(events) == len(records)
    return [event for event, record in zip(events, records, strict=True) if not is_read_otherwise(record)]


def raw(line):
    return base64.b64decode(line["b64"]) if isinstance(line, dict) else line.encode("utf-8", "surrogateescape")


def is_read_otherwise(record):
    """Whether fields of the event differ from Falco's on purpose, which is not the conditions' affair.

    Of repeated keys the last counts, and the containers of workloads are those of their pods.
    """
    repeated = []

    def once(pairs):
        repeated.extend(pairs if len(dict(pairs)) < len(pairs) else ())
        return dict(pairs)

    document = json.loads(record.decode("utf-8", "replace"), object_pairs_hook=once, strict=False)
    request = document.get("requestObject")
    spec = request.get("spec") if isinstance(request, dict) else None
    return bool(repeated) or (isinstance(spec, dict) and "template" in spec)


def decided(condition):
    """*condition* as a function of the event."""
    if isinstance(condition, Check):
        return bind.test(condition)
    if isinstance(condition, Not):
        child = decided(condition.child)
        return lambda event: not child(event)
    children = [decided(child) for child in condition.children]
    enough = any if isinstance(condition, Or) else all
    return lambda event: enough(child(event) for child in children)
