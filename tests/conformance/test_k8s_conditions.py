"""Conditions on Kubernetes audit events: what Falco says of each, and which of 218 events each matches."""

import base64
import gzip
import json
from functools import cache

import pytest
from conformance.differences import judge
from conformance.reasons import Reason

from falco.conditions import bind
from falco.conditions.checked import Check, Not, Or
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.registry import Fields
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.fields import FIELDS

PULLS = {"l_nested": ("l_ns", "l_one"), "m_pod": ("m_create",)}


@cache
def scope():
    generic = evt.fields(source="k8s_audit", hostname="test-host", plugin="k8saudit")
    return Scope("k8s_audit", Fields("k8s_audit", (*FIELDS, *generic)), BUILT_IN)


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rule_file(condition, prelude):
    """The file that Falco was given: a rule, and what of the prelude it may name."""
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


def loaded(case):
    loader = RuleLoader({"k8s_audit": scope()})
    return loader, loader.load("rules.yaml", case["text"].encode())


def conditions(folder):
    prelude = json.loads((folder / "k8s_audit" / "conditions" / "prelude.json").read_text(encoding="utf-8"))
    for case in lines(folder / "k8s_audit" / "conditions" / "conditions.jsonl.gz"):
        reason = Reason.FALCO_CRASH if case["compiles"] is None else None
        yield str(case["id"]), case | {"text": rule_file(case["condition"], prelude)}, reason


@pytest.mark.recorded("oracle", "k8s_audit/conditions", conditions)
def test_what_falco_says_of_a_condition(case):
    _, result = loaded(case)
    said = result.to_json()
    ours = {
        "compiles": said["successful"],
        "warnings": [[w["code"], w["message"]] for w in said["warnings"] if not w["code"].startswith("LOAD_UNUSED")],
    }
    recorded = {"compiles": case["compiles"], "warnings": case.get("warnings", [])}
    if said["errors"]:
        error = said["errors"][0]
        location = error["context"]["locations"][-1]
        place = [location["position"][key] for key in ("line", "column", "offset")]
        ours |= {"code": error["code"], "error": error["message"], "loc": location["item_type"]}
        ours |= {"pos": place} if "pos" in case else {}
    recorded |= {key: case[key] for key in ("code", "error", "loc", "pos") if key in case}
    judge("k8s_audit/conditions", case, ours, recorded)


def matches(folder):
    found = {row["id"]: row for row in lines(folder / "k8s_audit" / "conditions" / "matches.jsonl.gz")}
    for id_, case, _ in conditions(folder):
        if case["compiles"]:
            events = found[case["id"]]["events"]
            reason = Reason.FALCO_CRASH if events is None else None
            yield id_, case | {"events": events, "folder": folder}, reason


@cache
def audit_events(folder):
    """The events of the record, read by the plugin."""
    recorded = lines(folder / "k8s_audit" / "k8s" / "events.jsonl.gz")
    wanted = [recorded[row["k8s_line"]] for row in lines(folder / "k8s_audit" / "conditions" / "events.jsonl")]
    loader, _ = loaded({"text": rule_file("evt.num exists", {"lists": {}, "macros": {}})})
    everything = Ruleset(loader.rules, dispatch=AuditDecoder.dispatch, first_only=False)
    decoder = AuditDecoder()
    records = [raw(row["line"]) for row in wanted]
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


@pytest.mark.recorded("oracle", "k8s_audit/matches", matches)
def test_which_events_a_condition_matches(case):
    loader, result = loaded(case)
    assert result.is_successful
    (rule,) = loader.rules
    test = decided(rule.condition)
    events = audit_events(case["folder"])
    ours = [event.num for event in events if test(event)]
    compared = {event.num for event in events}
    judge("k8s_audit/matches", case, ours, [num for num in case["events"] if num in compared])
