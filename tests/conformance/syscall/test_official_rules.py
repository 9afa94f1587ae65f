"""The official rules over recorded captures: every alert, byte for byte, in order."""

import gzip
import json
from functools import cache

import pytest
from recorded.syscalls import HOSTNAME, candidates, captures, ruleset, scope
from recorded.verdict import Verdict

from falco.alerts import FormatOptions, JsonFormatter
from falco.rules.loader import RuleLoader


def pytest_generate_tests(metafunc):
    oracle = metafunc.config.getoption("--oracle")
    if "capture" in metafunc.fixturenames:
        metafunc.parametrize("capture", captures(oracle, "official") if oracle.is_dir() else [])


@pytest.fixture
def folder(oracle):
    rules = oracle.parent / "upstream" / "rules"
    if not rules.is_dir():
        pytest.skip(f"the official rules are not there: {rules}")
    return rules


@cache
def loaded(folder, names):
    loader = RuleLoader({"syscall": scope()})
    return loader, [loader.load(name, (folder / name).read_bytes()) for name in names]


STABLE = ("falco_rules.yaml",)
BOTH = ("falco_rules.yaml", "falco-incubating_rules.yaml")


def alerts(oracle, capture, loader, *, first_only):
    rules = ruleset(loader.rules, first_only=first_only)
    formatter = JsonFormatter(FormatOptions(hostname=HOSTNAME))
    path = oracle / "syscall" / "captures" / f"{capture}.scap"
    return [
        formatter.render(rule.alert(event)).rstrip("\n")
        for residual, event in candidates(path, rules)
        for rule in residual(event)
    ]


def recorded(oracle, capture, kind):
    path = oracle / "syscall" / "official" / f"{capture}.{kind}.alerts.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return path, [line.rstrip("\n") for line in file]


def what_differs(ours, theirs):
    if ours["rule"] != theirs["rule"] or ours["time"] != theirs["time"]:
        return f"{theirs['rule']} {theirs['time']}"
    keys = [key for key, value in theirs["output_fields"].items() if ours["output_fields"].get(key) != value]
    return f"{theirs['rule']} {' '.join(keys)}"


def judge(suite, path, got, wanted):
    verdict = Verdict(suite)
    verdict.agreed += 1  # that the capture is read to its end
    assert len(got) == len(wanted)
    for number, (ours, theirs) in enumerate(zip(got, wanted, strict=True)):
        if ours == theirs:
            verdict.agree(number)
        else:
            verdict.differ(what_differs(json.loads(ours), json.loads(theirs)), f"{ours} instead of {theirs}")
    verdict.judge(path)


def test_the_rules_load_without_warnings(folder):
    _, results = loaded(folder, BOTH)

    assert [result.summary for result in results] == [f"{name}: Ok" for name in BOTH]


def test_stable_rules(oracle, capture, folder):
    loader, _ = loaded(folder, STABLE)
    path, wanted = recorded(oracle, capture, "stable.first")

    judge(f"syscall/official/{capture}.stable", path, alerts(oracle, capture, loader, first_only=True), wanted)


def test_stable_and_incubating_rules(oracle, capture, folder):
    """All rules that match; those of the sandbox file, which is not at hand, are left out of the recorded ones."""
    loader, _ = loaded(folder, BOTH)
    names = {rule.name for rule in loader.rules}
    path, everything = recorded(oracle, capture, "all3.all")
    wanted = [line for line in everything if json.loads(line)["rule"] in names]

    judge(f"syscall/official/{capture}.all", path, alerts(oracle, capture, loader, first_only=False), wanted)
