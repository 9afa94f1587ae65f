"""Conditions on system calls: what Falco says of each."""

import gzip
import json

from recorded import scopes
from recorded.verdict import Reason, Verdict

from falco.rules.loader import RuleLoader

MACRO = "- macro: spawned_process\n  condition: evt.type in (execve, execveat)\n"


def test_what_falco_says_of_a_condition(oracle):
    path = oracle / "syscall" / "conditions" / "conditions.jsonl.gz"
    sources = {"syscall": scopes.syscall(with_containers=True)}
    verdict = Verdict("syscall/conditions")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            about = f"{case['id']} {case['condition']}"
            if case["compiles"] is None:
                verdict.excuse(Reason.FALCO_CRASH)
            elif (ours := said(case["condition"], sources)) != (recorded := recorded_of(case)):
                verdict.differ(about, f"{ours} instead of {recorded}")
            else:
                verdict.agree(about)
    verdict.judge(path)


def said(condition, sources):
    text = (
        f'{MACRO}- rule: r\n  desc: d\n  condition: {json.dumps(condition)}\n  output: "%evt.num"\n  priority: INFO\n'
    )
    document = RuleLoader(sources).load("r.yaml", text.encode()).to_json()
    return outcome(document["errors"][:1], document["warnings"])


def recorded_of(case):
    return outcome(case.get("errors", []), case.get("warnings", []))


def outcome(errors, warnings):
    """What is compared: the error with its place, the warnings that are about the condition."""
    found = [(warning["code"], warning["message"]) for warning in warnings if warning["code"] != "LOAD_UNUSED_MACRO"]
    for error in errors:
        location = error["context"]["locations"][-1]
        return error["code"], error["message"], location["item_type"], place(location), found
    return found


def place(location):
    return [location["position"][key] for key in ("line", "column", "offset")]
