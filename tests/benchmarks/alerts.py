"""How long an alert takes: to make, and to write as text and as JSON.

Run it with the interpreter of the workspace; it prints microseconds and their ratio to ``json.dumps`` of the same
alert, measured in the same rounds, because machines differ and are shared.
"""

from __future__ import annotations

import json
import statistics
import timeit
from collections.abc import Callable

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter, TextFormatter, values
from falco.conditions.checked import TRUE
from falco.fields import Field, FieldType, FieldUse
from falco.rules.model import Priority, Rule
from falco.templates.model import Template, Token

ROUNDS, CALLS = 7, 20_000
EVENT = {
    "ka.user.name": "system:serviceaccount:kube-system:replicaset-controller",
    "ka.verb": "create",
    "ka.uri": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ka.target.name": None,
    "evt.num": 17,
    "ka.user.groups": ["system:masters", "system:authenticated"],
    "ka.response.code": "201",
    "ka.auth.reason": 'RBAC: allowed by ClusterRoleBinding "cluster-admin"',
}
PROPERTIES = {"evt.num": {"type": FieldType.UINT64}, "ka.user.groups": {"is_list": True}}


def rule() -> Rule:
    """A rule whose output has the eight values of ``EVENT``."""
    pieces: list[str | Token] = ["Something happened |"]
    for name in EVENT:
        field = Field(name, lambda _argument, name=name: lambda event: event[name], **PROPERTIES.get(name, {}))
        pieces += (f" {name.rpartition('.')[2]}=", Token(FieldUse(name, None, field), name))
    return Rule(0, "Something", "k8s_audit", Priority.WARNING, TRUE, Template(tuple(pieces)), tags=("k8s", "mitre"))


def main() -> None:
    """Measure and print."""
    template, read = AlertTemplate.of(rule()), values(rule())
    options = FormatOptions(hostname="node-1")
    text, line = TextFormatter(options), JsonFormatter(options)
    alert = Alert(template, 17, 1540563994242498000, read(EVENT))
    document = json.loads(line.render(alert))
    subjects: dict[str, Callable[[], object]] = {
        "json.dumps": lambda: json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "make": lambda: Alert(template, 17, 1540563994242498000, read(EVENT)),
        "text": lambda: text.render(alert),
        "json": lambda: line.render(alert),
    }
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _round in range(ROUNDS):
        for name, subject in subjects.items():
            taken[name].append(timeit.timeit(subject, number=CALLS) / CALLS * 1e6)
    baseline = statistics.median(taken["json.dumps"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:12} {median:6.2f} us  {median / baseline:5.2f} x json.dumps")


if __name__ == "__main__":
    main()
