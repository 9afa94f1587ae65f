"""Recorded alerts of the official rules: events in, alerts out, through the command line."""

import json

import pytest
from recorded import audit_events as audit
from recorded.command import falco
from recorded.verdict import Reason, Verdict

CONFIG = """\
engine: {{kind: nodriver}}
load_plugins: [k8saudit, json]
plugins:
  - {{name: k8saudit, library_path: libk8saudit.so, open_params: {events}}}
  - {{name: json, library_path: libjson.so}}
rules_files: [rules.yaml]
json_output: true
json_include_message_property: true
stdout_output: {{enabled: true}}
rule_matching: {matching}
append_output: [{{extra_fields: [evt.num]}}]
"""


@pytest.mark.parametrize("matching", ["first", "all"])
def test_official_rules_give_the_recorded_alerts(oracle, tmp_path, matching):
    folder = oracle / "k8s_audit" / "k8s"
    data = folder / f"alerts_official_{matching}.jsonl.gz"
    lines = audit.lines(folder / "events.jsonl.gz")
    rules = (folder / "k8s_audit_rules.yaml").read_text(encoding="utf-8")
    # The number of the event is added to every alert: it leads back to the line.
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    (tmp_path / "events.jsonl").write_bytes(b"".join(audit.raw(line["line"]) + b"\n" for line in lines))
    (tmp_path / "falco.yaml").write_text(
        CONFIG.format(events=tmp_path / "events.jsonl", matching=matching), encoding="utf-8"
    )
    result = falco(["-c", "falco.yaml", "--enable-source", "k8s_audit"], tmp_path)
    assert result.code == 0, result.stderr
    ours = {}
    numbers, refused = _events_of(lines)
    for text in result.stdout.split("\n"):
        if text.startswith("{"):
            alert = json.loads(text)
            ours.setdefault(numbers[alert["output_fields"].pop("evt.num")], []).append(alert)
    falcos = {}
    of_line = {number: (line["id"], item) for line in lines for item, number in enumerate(line["events"])}
    for record in audit.lines(data):
        falcos.setdefault(of_line[record["event"]], []).append(record["alert"])

    verdict = Verdict(f"k8s_audit/k8s/alerts_official_{matching}")
    for place in sorted(ours.keys() | falcos.keys()):
        line = lines[place[0]]
        if place[0] in refused:
            verdict.excuse(Reason.REFUSED_JSON)
        elif (a := ours.get(place, [])) == (b := falcos.get(place, [])):
            verdict.agreed += 1
        else:
            verdict.differ(
                _of(line) or f"line {place[0]} ({line['group']} {line['note']})", f"{_short(a)}, Falco: {_short(b)}"
            )
    verdict.judge(data)


def _events_of(lines):
    """Number of each of our events → (line, item), and the lines that are not JSON to us."""
    decoder = audit.Decoded()
    numbers, refused = {}, set()
    for line in lines:
        events, counters = decoder.events(audit.raw(line["line"]))
        numbers |= {event.num: (line["id"], item) for item, event in enumerate(events)}
        if "records that are not JSON" in counters:
            refused.add(line["id"])
    return numbers, refused


def _of(line):
    data = audit.raw(line["line"])
    if line["group"] == "dup" or audit.has_repeated_keys(data):
        return "the last of repeated keys wins"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "bytes that are not UTF-8 in JSON output_fields"
    return None


def _short(alerts):
    return [(alert["rule"], alert["output_fields"]) for alert in alerts]
