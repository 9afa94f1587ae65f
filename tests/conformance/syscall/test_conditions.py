"""Recorded conditions: the events that each matches in every capture."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from recorded.causes import Causes
from recorded.syscalls import candidates, captures, lines, ruleset, scope
from recorded.verdict import Reason, Verdict

from falco.rules.loader import RuleLoader

MACRO = "- macro: spawned_process\n  condition: evt.type in (execve, execveat)\n"


def pytest_generate_tests(metafunc):
    oracle = metafunc.config.getoption("--oracle")
    if "capture" in metafunc.fixturenames:
        metafunc.parametrize("capture", captures(oracle, "conditions") if oracle.is_dir() else [])


def load(condition):
    head = "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n"
    loader = RuleLoader({"syscall": scope()})
    return loader, loader.load("r.yaml", f"{MACRO}{head}  condition: {json.dumps(condition)}\n".encode())


@cache
def compiled(path):
    """One ruleset of all conditions that compile, a rule named by its id each, and the conditions by id."""
    rules, conditions = [], {}
    for case in lines(path):
        loader, result = load(case["condition"])
        if result.is_successful and loader.rules:
            (rule,) = loader.rules
            rules.append(replace(rule, index=len(rules), name=str(case["id"])))
            conditions[case["id"]] = case["condition"]
    return ruleset(rules, first_only=False), conditions


def numbers(ranges):
    found = set()
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_matches(oracle, capture):
    folder = oracle / "syscall" / "conditions"
    rules, conditions = compiled(folder / "conditions.jsonl.gz")
    path = folder / f"matches.{capture}.jsonl.gz"
    _, *recorded = lines(path)
    crashed = {row["id"] for row in recorded if "events" not in row}
    wanted = {row["id"]: numbers(row["events"]) for row in recorded if "events" in row}
    causes, found, agreed, first = Causes(), Counter(), Counter(), {}
    for residual, event in candidates(oracle / "syscall" / "captures" / f"{capture}.scap", rules):
        causes.follow(event)
        matched = {int(rule.rule.name) for rule in residual(event)}
        for one, condition in conditions.items():
            if (one in matched) == (event.num in wanted.get(one, ())):
                agreed[one] += 1
            elif one not in crashed:
                cause = causes.of_match(event, condition) or "unexplained"
                found[f"{cause} {condition}"] += 1
                first.setdefault(f"{cause} {condition}", event.num)
    verdict = Verdict(f"syscall/matches/{capture}")
    verdict.agreed = sum(agreed.values())
    for case, number in found.items():
        verdict.differ(case, f"{number} events, first {first[case]}")
        if not case.startswith("unexplained"):
            verdict.excused[Reason.LISTED_DIFFERENCE] += number - 1
    print(f"{capture}: {verdict.agreed} of {verdict.agreed + sum(found.values())} answers agree")
    verdict.judge(path)


def test_there_are_conditions(oracle):
    if not captures(oracle, "conditions"):
        pytest.skip("no matches are recorded")
    assert len(compiled(oracle / "syscall" / "conditions" / "conditions.jsonl.gz")[1]) > 100
