"""Recorded alerts of the official rules, written again from their own values, byte for byte.

Nothing is evaluated: an event is the ``output_fields`` of a recorded alert, and its fields read them by key.  What is
left is the outputs' way from rule file to line: templates, values as text and as JSON, the frame, the statistics.
"""

import gzip
import json
from dataclasses import dataclass
from functools import cache

import pytest
import yaml

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter, TextFormatter, values
from falco.alerts.statistics import Statistics
from falco.clock import NS, Clock
from falco.conditions.checked import TRUE
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields import Argument, Field, evt
from falco.fields.registry import Fields
from falco.rules.model import Priority, Rule
from falco.templates.parse import parse


@dataclass(frozen=True)
class Recorded:
    """An event made of the values of an alert."""

    num: int
    time_ns: int
    values: dict


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def recorded(alert):
    fields = alert["output_fields"]
    return Recorded(fields.get("evt.num", 0), fields.get("evt.time", fields.get("evt.time.iso8601")), fields)


def is_whole(alert):
    """Whether the values of *alert* are all that its output was made of.

    Of a value that is not UTF-8 Falco shows U+FFFD in the output, but in output_fields what another library makes of
    the bytes (a listed difference); either way the bytes are gone.
    """
    return "\ufffd" not in alert["output"]


def field_of(key, values):
    name, _, _argument = key.partition("[")
    is_list = any(isinstance(value, list) for value in values)

    def bind(argument):
        wanted = name if argument is None else f"{name}[{argument}]"
        return lambda event: event.values.get(wanted)

    argument = Argument.OPTIONAL_INDEX_OR_KEY
    return Field(name, bind, is_list=is_list, argument=argument)


def scope_of(alerts, source):
    """Fields that read what the alerts have."""
    seen = {}
    for alert in alerts:
        for key, value in alert["output_fields"].items():
            seen.setdefault(key.partition("[")[0], []).append(value)
    generic = [
        field
        for field in evt.fields(source=source, hostname="test-host")
        if field.name not in seen or "time" in field.name
    ]
    names = {field.name for field in generic}
    fields = Fields(source, [*generic, *(field_of(key, found) for key, found in seen.items() if key not in names)])
    return Scope(source, fields, BUILT_IN)


def rule_of(index, name, output, scope, *, priority=Priority.DEBUG, tags=()):
    template = parse(Text.of(output.strip()), scope)
    return Rule(index, name, scope.source, priority, TRUE, template, tags=tuple(sorted(tags)))


def priority_of(text):
    name = {"INFO": "INFORMATIONAL"}.get(text.upper(), text.upper())
    return Priority[name]


class Rewriter:
    """Writes recorded alerts again under the rules that made them."""

    def __init__(self, rules, options):
        self.rules = rules
        self.statistics = Statistics()
        self._templates = {name: AlertTemplate.of(rule) for name, rule in rules.items()}
        self._values = {name: values(rule) for name, rule in rules.items()}
        self.json = JsonFormatter(options)
        self.text = TextFormatter(options)

    def alert(self, document):
        name, event = document["rule"], recorded(document)
        alert = Alert(self._templates[name], event.num, event.time_ns, self._values[name](event))
        self.statistics.count(alert)
        return alert


@cache
def k8s_rules(path, alerts_path):
    documents = [json.loads(line)["alert"] for line in lines(alerts_path)]
    scope = scope_of(documents, "k8s_audit")
    items = [item for item in yaml.safe_load(path.read_text(encoding="utf-8")) if "rule" in item]
    triggered = {document["rule"] for document in documents}
    return {
        item["rule"]: rule_of(
            index,
            item["rule"],
            item["output"],
            scope,
            priority=priority_of(item["priority"]),
            tags=item.get("tags", ()),
        )
        for index, item in enumerate(items)
        if item["rule"] in triggered
    }


@pytest.mark.parametrize("matching", ["first", "all"])
def test_alerts_of_audit_events_come_out_as_recorded(oracle, matching):
    folder = oracle / "k8s_audit" / "k8s"
    path = folder / f"alerts_official_{matching}.jsonl.gz"
    rewriter = Rewriter(
        k8s_rules(folder / "k8s_audit_rules.yaml", path), FormatOptions(hostname="test-host", include_message=True)
    )

    for line in lines(path):
        document = json.loads(line)["alert"]
        alert = rewriter.alert(document)
        if not is_whole(document):
            continue
        assert rewriter.json.render(alert) == json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        assert rewriter.text.render(alert) == json.dumps(document["output"], ensure_ascii=False)[1:-1]

    assert rewriter.statistics.text() == (folder / f"alerts_official_{matching}.stats.txt").read_text(encoding="utf-8")


def described_rules(oracle, documents, *, is_suggested):
    """The official syscall rules that the recorded alerts are of; ``-L`` has their outputs."""
    with gzip.open(oracle / "syscall" / "official" / "describe_all3.json.gz") as file:
        described = json.load(file)["rules"]
    scope = scope_of(documents, "syscall")
    triggered = {document["rule"] for document in documents}
    suffix = SUGGESTED if is_suggested else ""
    return {
        rule["info"]["name"]: rule_of(
            index,
            rule["info"]["name"],
            rule["info"]["output"] + suffix,
            scope,
            priority=priority_of(rule["info"]["priority"]),
            tags=rule["info"]["tags"],
        )
        for index, rule in enumerate(described)
        if rule["info"]["name"] in triggered
    }


SUGGESTED = (
    " container_id=%container.id container_name=%container.name container_image_repository=%container.image.repository"
    " container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name k8s_ns_name=%k8s.ns.name"
)


def test_alerts_of_syscalls_come_out_as_recorded(oracle):
    seen = 0
    for path in sorted((oracle / "syscall" / "official").glob("*.alerts.jsonl.gz")):
        documents = [json.loads(line) for line in lines(path)]
        is_suggested = ".suggested." in path.name
        rewriter = Rewriter(
            described_rules(oracle, documents, is_suggested=is_suggested), FormatOptions(hostname="test-host")
        )
        for line, document in zip(lines(path), documents, strict=True):
            assert rewriter.json.render(rewriter.alert(document)) == line
            seen += 1

    assert seen


def test_text_alerts_and_statistics_of_syscalls_come_out_as_recorded(oracle):
    folder = oracle / "syscall" / "official"
    paths = sorted(folder.glob("*.suggested.text.gz"))
    assert paths
    for path in paths:
        documents = [json.loads(line) for line in lines(folder / path.name.replace(".text.gz", ".alerts.jsonl.gz"))]
        rewriter = Rewriter(described_rules(oracle, documents, is_suggested=True), FormatOptions())
        written = "".join(f"{rewriter.text.render(rewriter.alert(document))}\n" for document in documents)

        assert written + rewriter.statistics.text() == "".join(f"{line}\n" for line in lines(path))


def test_statistics_of_syscalls_come_out_as_recorded(oracle):
    folder = oracle / "syscall" / "official"
    seen = 0
    for line in (folder / "stats.jsonl").read_text(encoding="utf-8").splitlines():
        run = json.loads(line)
        path = folder / f"{run['capture']}.{run['rules']}.{run['rule_matching']}.alerts.jsonl.gz"
        documents = [json.loads(alert) for alert in lines(path)]
        rewriter = Rewriter(described_rules(oracle, documents, is_suggested=False), FormatOptions())
        for document in documents:
            rewriter.alert(document)

        assert rewriter.statistics.text() == run["stdout_rest"]
        seen += 1
    assert seen


@pytest.mark.parametrize("path_in_oracle", ["k8s_audit/k8s/evt_fields.jsonl.gz"])
def test_generic_fields_of_audit_events_have_the_recorded_values(oracle, path_in_oracle):
    rows = evt.fields(source="k8s_audit", plugin="k8saudit", hostname="test-host")
    scope = Scope("k8s_audit", Fields("k8s_audit", rows), BUILT_IN)
    names = [field.name for field in rows if field.name != "evt.plugininfo"]
    rule = rule_of(0, "r", " ".join(f"%{name}" for name in names), scope)
    template, read, formatter = AlertTemplate.of(rule), values(rule), JsonFormatter(FormatOptions(hostname="test-host"))
    start_ns = None
    for line in lines(oracle / path_in_oracle):
        record = json.loads(line)
        time_ns = record["fields"]["evt.rawtime"]
        start_ns = time_ns if start_ns is None else start_ns
        event = Numbered(record["event"], time_ns, start_ns)

        document = json.loads(formatter.render(Alert(template, event.num, time_ns, read(event))))

        expected = {name: record["fields"].get(name) for name in names}
        assert document["output_fields"] == expected | {"evt.num": record["event"]}
        assert document["time"] == record["time"]
        assert document["output"].startswith(f"{record['prefix']} Debug ")
        assert document["output_fields"]["evt.rawtime.s"] == time_ns // NS


def test_times_of_any_year_are_written_as_recorded(oracle):
    clock = Clock()
    seen = 0
    for line in (oracle / "k8s_audit" / "k8s" / "special.jsonl").read_text(encoding="utf-8").splitlines():
        for event in json.loads(line)["events"]:
            if event["time"] == "NOW":
                continue
            seen += 1
            assert clock.utc(event["evt.rawtime"]) == event["time"]
            assert f"{clock.time(event['evt.rawtime'])}:" == event["prefix"]
    assert seen


@dataclass(frozen=True)
class Numbered:
    """An event of which nothing is known but its envelope."""

    num: int
    time_ns: int
    start_ns: int
