"""What our default rules see of what Falco's stable rules find in the recorded captures.

The rules are our own, with conditions of our own, so this is a report (``pytest -s`` shows the table) with a floor
under it: beside every alert of the stable rules, at the same event, there is one of ours.
"""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

from falco.testing import run_rules

RULES = Path(__file__).parents[2] / "rules" / "falco_rules.yaml"
STABLE = ".stable.first.alerts.jsonl.gz"
FLOORS = {
    "Clear Log Activities": 1.0,
    "Create Hardlink Over Sensitive Files": 1.0,
    "Create Symlink Over Sensitive Files": 1.0,
    "Execution from /dev/shm": 1.0,
    "Fileless execution via memfd_create": 1.0,
    "Find AWS Credentials": 1.0,
    "Linux Kernel Module Injection Detected": 1.0,
    "PTRACE anti-debug attempt": 1.0,
    "PTRACE attached to process": 1.0,
    "Packet socket created in container": 1.0,
    "Read sensitive file untrusted": 1.0,
    "Redirect STDOUT/STDIN to Network Connection in Container": 1.0,
    "Remove Bulk Data from Disk": 1.0,
    "Run shell untrusted": 1.0,
    "Search Private Keys or Passwords": 1.0,
}
"""Share of the alerts of an official rule beside which there is one of ours, at least: as measured."""
QUIET = ("work", "sample", "curl_google", "ping_sendto", "open-multiple-files", "resident")
"""Captures of everyday work."""


def captures(oracle):
    return sorted((oracle / "syscall" / "captures").glob("*.scap"))


def look(path):
    found = run_rules(RULES, open_params=str(path), source="syscall", may_refuse=True)
    assert found.warnings == ()
    return found


def test_default_rules_see_what_the_stable_ones_alert_about(oracle):
    seen = defaultdict(list)
    for path in captures(oracle):
        official = oracle / "syscall" / "official" / (path.stem + STABLE)
        if not official.exists():
            continue
        ours = defaultdict(set)
        for one in look(path):
            ours[one.alert.time_ns].add(one.rule)
        with gzip.open(official, "rt", encoding="utf-8") as file:
            for alert in map(json.loads, file):
                seen[alert["rule"]].append(ours[alert["output_fields"]["evt.time"]])

    print(f"\n{'official rule':<58} seen by rules of ours")
    for rule, names in sorted(seen.items()):
        shown = ", ".join(f"{name} {count}" for name, count in Counter(n for one in names for n in one).most_common(3))
        print(f"{rule:<58} {sum(map(bool, names)):>3}/{len(names):<4} {shown}")
    missed = {
        rule: f"{sum(map(bool, names))} of {len(names)}"
        for rule, names in seen.items()
        if sum(map(bool, names)) < FLOORS.get(rule, 0.0) * len(names)
    }
    assert seen.keys() & FLOORS.keys()
    assert not missed


def test_default_rules_are_silent_on_everyday_work(oracle):
    paths = [path for path in captures(oracle) if path.stem in QUIET]

    assert paths
    assert {path.stem: [one.text for one in look(path)] for path in paths} == {path.stem: [] for path in paths}
