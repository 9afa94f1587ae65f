"""Every rule of k8s_audit_rules.yaml fires for the events that it is meant for and is silent beside them."""

from pathlib import Path

import pytest
import yaml

from falco.testing import run_rules

RULES = Path(__file__).parents[1] / "k8s_audit_rules.yaml"
CASES = yaml.safe_load((Path(__file__).parent / "k8s_audit_cases.yaml").read_text(encoding="utf-8"))
NAMES = [item["rule"] for item in yaml.safe_load(RULES.read_text(encoding="utf-8")) if "rule" in item]


def completed(event, number):
    """*event* with what every audit event has."""
    minute, second = divmod(number, 60)
    time = f"2026-03-09T09:{minute:02d}:{second:02d}"
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"00000000-0000-4000-8000-{number:012d}",
        "stage": "ResponseComplete",
        "user": {"username": "dana", "groups": ["system:authenticated"]},
        "requestReceivedTimestamp": f"{time}.100000Z",
        "stageTimestamp": f"{time}.200000Z",
        **event,
    }


@pytest.fixture(scope="module")
def outcomes():
    """(rule, whether it is meant to fire, event, names of the rules that fired) for all events of all cases."""
    meant = [
        (case["rule"], fires, event)
        for case in CASES
        for fires, events in ((True, case["fires"]), (False, case["silent"]))
        for event in events
    ]
    lines = [completed(event, number) for number, (_, _, event) in enumerate(meant)]
    found = run_rules(RULES, lines, source="k8s_audit")
    assert found.events == len(meant)
    return [(*one, found.of_event(num).rules) for num, one in enumerate(meant, 1)]


def test_the_rules_load_without_warnings():
    assert run_rules(RULES, [completed({"verb": "get"}, 1)], source="k8s_audit").warnings == ()


def test_every_rule_has_its_cases():
    assert [case["rule"] for case in CASES] == NAMES
    assert all(case["fires"] and case["silent"] for case in CASES)


@pytest.mark.parametrize("rule", NAMES)
def test_rule_fires_when_meant_and_else_not(rule, outcomes):
    wrong = [
        f"{'silent' if fires else 'fires'} for {event}"
        for name, fires, event, fired in outcomes
        if name == rule and (rule in fired) is not fires
    ]

    assert not wrong, "\n".join(wrong)
