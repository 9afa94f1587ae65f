"""What our default rules see of what Falco's official rules alert about, on the recorded audit events.

The rules are our own, with conditions of our own, so this is a report (``pytest -s`` shows the table) with a floor under
what anybody would expect of default rules.
"""

import gzip
import json
from base64 import b64decode
from collections import Counter, defaultdict
from pathlib import Path

from falco.testing import run_rules

RULES = Path(__file__).parents[2] / "rules" / "k8s_audit_rules.yaml"
FLOORS = {
    "Create/Modify Configmap With Private Credentials": 1.0,
    "Create Privileged Pod": 1.0,
    "Create Sensitive Mount Pod": 1.0,
    "Create HostNetwork Pod": 1.0,
    "Attach/Exec Pod": 1.0,
    "EphemeralContainers Created": 1.0,
    "Anonymous Request Allowed": 1.0,
    "Attach to cluster-admin Role": 1.0,
    "ClusterRole With Wildcard Created": 1.0,
    "ClusterRole With Pod Exec Created": 1.0,
    "System ClusterRole Modified/Deleted": 1.0,
    "K8s Namespace Created": 0.8,  # not those of cluster components
    "K8s Serviceaccount Created": 1.0,
    "Service Account Created in Kube Namespace": 1.0,
    "Create NodePort Service": 1.0,
}
"""Share of the alerts of an official rule beside which there is one of ours, at least."""


def records(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def line_of(record):
    text = record["line"]
    return b64decode(text["b64"]) if isinstance(text, dict) else text.encode("utf-8", "surrogateescape")


def test_default_rules_see_what_the_official_ones_alert_about(oracle):
    folder = oracle / "k8s_audit" / "k8s"
    inputs = records(folder / "events.jsonl.gz")
    found = run_rules(RULES, batches=[[line_of(one)] for one in inputs], source="k8s_audit", may_refuse=True)
    ours = defaultdict(set)
    for alert in found:
        ours[alert.batch].add(alert.rule)
    index_of = {num: index for index, one in enumerate(inputs) for num in one["events"]}
    official = defaultdict(list)
    for one in records(folder / "alerts_official_all.jsonl.gz"):
        official[one["alert"]["rule"]].append(ours[index_of[one["event"]]])

    print(f"\n{'official rule':<50} seen by rules of ours")
    for rule, seen in sorted(official.items()):
        names = Counter(name for names in seen for name in names).most_common(3)
        shown = ", ".join(f"{name} {count}" for name, count in names)
        print(f"{rule:<50} {sum(map(bool, seen)):>4}/{len(seen):<5} {shown}")
    missed = {
        rule: f"{sum(map(bool, official[rule]))} of {len(official[rule])}"
        for rule, floor in FLOORS.items()
        if sum(map(bool, official[rule])) < floor * len(official[rule])
    }
    assert official.keys() & FLOORS.keys()
    assert not missed
