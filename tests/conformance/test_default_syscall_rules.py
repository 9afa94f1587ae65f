"""What our default rules see of what Falco's stable rules find in the recorded captures.

The rules are our own, with conditions of our own: beside every alert of the stable rules there must be one of ours,
at the same event or at least about the same process (``pytest -s`` shows by which rules).
"""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

from recorded.syscalls import events

from falco.testing import run_rules

RULES = Path(__file__).parents[2] / "rules" / "falco_rules.yaml"
STABLE = ".stable.first.alerts.jsonl.gz"
QUIET = ("work", "sample", "curl_google", "ping_sendto", "open-multiple-files", "resident")
"""Captures of everyday work."""


def captures(oracle):
    return sorted((oracle / "syscall" / "captures").glob("*.scap"))


def look(path):
    found = run_rules(RULES, open_params=str(path), source="syscall", may_refuse=True)
    assert found.warnings == ()
    return found


def processes(path):
    """The process of each event, by the event's time."""
    return {event.time_ns: event.thread.pid for event in events(path) if event.thread is not None}


def test_default_rules_see_what_the_stable_ones_alert_about(oracle):
    seen, missed = defaultdict(list), []
    for path in captures(oracle):
        official = oracle / "syscall" / "official" / (path.stem + STABLE)
        if not official.exists():
            continue
        owners = processes(path)
        at_event, about_process = defaultdict(set), defaultdict(set)
        for one in look(path):
            at_event[one.alert.time_ns].add(one.rule)
            about_process[owners.get(one.alert.time_ns)].add(one.rule)
        with gzip.open(official, "rt", encoding="utf-8") as file:
            for alert in map(json.loads, file):
                time_ns = alert["output_fields"]["evt.time"]
                seen[alert["rule"]].append(at_event[time_ns])
                if not (at_event[time_ns] or about_process[owners.get(time_ns)]):
                    missed.append(f"{path.stem}: {alert['output']}")

    print(f"\n{'official rule':<58} seen by rules of ours at the same event")
    for rule, names in sorted(seen.items()):
        shown = ", ".join(f"{name} {count}" for name, count in Counter(n for one in names for n in one).most_common(3))
        print(f"{rule:<58} {sum(map(bool, names)):>3}/{len(names):<4} {shown}")
    assert seen
    assert not missed


def test_default_rules_are_silent_on_everyday_work(oracle):
    paths = [path for path in captures(oracle) if path.stem in QUIET]

    assert paths
    assert {path.stem: [one.text for one in look(path)] for path in paths} == {path.stem: [] for path in paths}
