"""Every rule of falco_rules.yaml fires for the captures that it is meant for and is silent beside them."""

import json
from pathlib import Path

import pytest
import yaml

from falco.testing import run_rules
from falco_syscall.capture.builder import START_NS, STEP_NS, CaptureBuilder

RULES = Path(__file__).parents[1] / "falco_rules.yaml"
CASES = yaml.safe_load((Path(__file__).parent / "falco_cases.yaml").read_text(encoding="utf-8"))
NAMES = [item["rule"] for item in yaml.safe_load(RULES.read_text(encoding="utf-8")) if "rule" in item]
SECOND_NS = 1_000_000_000
TOPICS = {
    "shell in a container": ["Shell in Container"],
    "read of sensitive files": ["Sensitive File Read", "Sensitive File Read Late by Server"],
    "write below directories of programs": ["Program Directory Changed"],
    "write below /etc": ["Settings Changed Below Etc"],
    "drop and execute": ["Dropped Program Run in Container"],
    "reverse shell": ["Standard Stream Made a Connection"],
    "ptrace injection": ["Process Taken Over"],
    "fileless execution": ["Program Run From Memory"],
    "module load": ["Kernel Module Loaded"],
    "privileged container": ["Privileged Container Started"],
    "sensitive mount": ["Container Started with Sensitive Mount"],
    "outbound connection": ["Unexpected Outbound Connection"],
    "packet socket": ["Packet Socket Opened in Container"],
    "log tampering": ["Log Emptied or Removed"],
    "release_agent": ["Escape by Release Agent"],
}
"""What the default rules must be about at least."""


class Story:
    """One case after another in one capture: processes and containers of their own, so that none sees another."""

    def __init__(self):
        self.events = 0
        self._now_ns = START_NS
        self.capture = CaptureBuilder().process(1, "init", ptid=0).interface("eth0", "10.0.0.5")
        for uid, name in ((0, "root"), (33, "www-data"), (1000, "dana")):
            self.capture.user(uid, name)

    def tell(self, case, number):
        """Append *case*; the numbers of its events."""
        first = self.events + 1
        tid, container_id = 1000 + 2 * number, f"{number:012x}"
        container = case.get("container")
        inside = {"cgroups": [f"cpu=/docker/{container_id:0<64}"]} if container else {}
        self._process(tid - 1, {"comm": "init", **case.get("parent", {})}, ptid=1, **inside)
        self._process(tid, {"comm": "sh", **case.get("process", {})}, ptid=tid - 1, **inside)
        if isinstance(container, dict):
            known = {"type": 0, "id": container_id, "name": "web", "image": "nginx", **container}
            self._event("container", -1, json=json.dumps({"container": known}))
        for event in case.get("events", ()):
            self._now_ns += event.get("after_s", 0) * SECOND_NS
            ((name, params),) = [item for item in event.items() if item[0] != "after_s"]
            self._event(name, tid, **{key: _value(key, value) for key, value in params.items()})
        return range(first, self.events + 1)

    def _process(self, tid, known, **more):
        self.capture.process(tid, **known, **more)

    def _event(self, name, tid, /, **params):
        self.events += 1
        self._now_ns += STEP_NS
        self.capture.event(name, tid, at_ns=self._now_ns, **params)


def _value(key, value):
    return tuple(value) if key == "tuple" else value


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(rule, whether it is meant to fire, case, names of the rules that fired) for all cases; and what was found."""
    meant = [
        (entry["rule"], fires, case)
        for entry in CASES
        for fires, cases in ((True, entry["fires"]), (False, entry["silent"]))
        for case in cases
    ]
    story = Story()
    told = [story.tell(case, number) for number, (_, _, case) in enumerate(meant, 1)]
    path = story.capture.write(tmp_path_factory.mktemp("rules") / "cases.scap")
    found = run_rules(RULES, open_params=str(path), source="syscall")
    assert found.events == story.events
    fired = [{alert.rule for alert in found if alert.num in nums} for nums in told]
    return [(*one, names) for one, names in zip(meant, fired, strict=True)], found


def test_the_rules_load_without_warnings(outcomes):
    assert outcomes[1].warnings == ()


def test_every_rule_has_its_cases():
    assert {entry["rule"] for entry in CASES} == set(NAMES)
    assert all(entry["fires"] and entry["silent"] for entry in CASES)


def test_every_topic_has_rules_and_so_cases_for_and_against():
    assert {name for names in TOPICS.values() for name in names} <= {entry["rule"] for entry in CASES}


@pytest.mark.parametrize("rule", NAMES)
def test_rule_fires_when_meant_and_else_not(rule, outcomes):
    wrong = [
        f"{'silent' if fires else 'fires'} for {case}"
        for name, fires, case, fired in outcomes[0]
        if name == rule and (rule in fired) is not fires
    ]

    assert not wrong, "\n".join(wrong)
