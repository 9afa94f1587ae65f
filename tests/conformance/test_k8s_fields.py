"""Recorded audit events: which lines are events, and what every field of each is worth.

Lines are aligned by their place in the input, never by number: lines that only Falco's lenient reader takes for JSON
shift the numbers behind them.
"""

import json
import re

import pytest
from recorded import audit_events as audit
from recorded.agreement import Agreement
from recorded.verdict import Reason, Verdict

NOT_JSON = "records that are not JSON"
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
ESCAPED_KEY = re.compile(rb'"[^"\\]*\\u[^"]*"\s*:')
EFFECTIVE = re.compile(r"ka\.req\.pod\.(\w+)\.eff_run_as_(user|group)(?:\[(\d+)\])?")
SOURCE_IPS = re.compile(r"ka\.sourceips(?:\[(\d+)\])?")


@pytest.fixture(scope="module")
def folder(oracle):
    return oracle / "k8s_audit" / "k8s"


@pytest.fixture(scope="module")
def decoded(folder):
    """(recorded line, our events, counters that it moved) of every line, read in order by one decoder."""
    decoder = audit.Decoded()
    return [(line, *decoder.events(audit.raw(line["line"]))) for line in audit.lines(folder / "events.jsonl.gz")]


def test_the_same_lines_are_events(folder, decoded):
    verdict = Verdict("k8s_audit/k8s/events")
    for line, events, counters in decoded:
        case = f"{line['group']} {line['note']} (line {line['id']})"
        if len(events) == len(line["events"]):
            verdict.agree(case)
        elif NOT_JSON in counters:
            verdict.excuse(Reason.REFUSED_JSON)
        else:
            verdict.differ(_of_count(line, events) or case, f"{len(events)} events, Falco has {len(line['events'])}")
    verdict.judge(folder / "events.jsonl.gz")


def _of_count(line, events):
    data = audit.raw(line["line"])
    if audit.has_repeated_keys(data):
        return "a repeated key decides whether it is an event"
    document = audit.plain(data)
    if isinstance(document, list) and len(events) > len(line["events"]) == 0:
        return "an array with an element that is no event"
    if isinstance(document, dict) and document.get("stageTimestamp") is None and len(events) == 1:
        return "an event without stageTimestamp"
    return None


def test_every_field_of_every_event_is_worth_the_same(folder, decoded, record_property):
    names = json.loads((folder / "field_names.json").read_text(encoding="utf-8"))
    recorded = {record["event"]: record for record in audit.lines(folder / "fields.jsonl.gz")}
    verdict = Verdict("k8s_audit/k8s/fields")
    agreement = Agreement(verdict.suite)
    for line, events, _ in decoded:
        if len(events) != len(line["events"]):
            continue  # judged above
        for number, event in zip(line["events"], events, strict=True):
            if (record := recorded.get(number)) is None:
                continue
            for name in names:
                if name in record.get("crash", ()):
                    verdict.excuse(Reason.FALCO_CRASH)
                    continue
                expected = audit.value(record["fields"].get(name))
                actual = audit.getter(name)(event)
                if audit.shown(actual) == expected:
                    verdict.agreed += 1
                    agreement.agree(name)
                else:
                    case = _of_value(line, event, name, actual) or f"{name} (line {line['id']})"
                    agreement.differ(name, case)
                    verdict.differ(case, f"{actual!r}, Falco has {expected!r}"[:300])
    agreement.hand_on(record_property)
    verdict.judge(folder / "fields.jsonl.gz")


def _of_value(line, event, name, actual):
    """Which listed difference *actual* is, computed by other means; None if it is none."""
    data = bytes(event.raw)
    document = audit.plain(data)
    if line["group"] == "dup" or audit.has_repeated_keys(data):
        return "the last of repeated keys wins"
    if (match := EFFECTIVE.fullmatch(name)) and _is_effective(actual, document, *match.groups()):
        return "eff_run_as_user and eff_run_as_group"
    if (match := SOURCE_IPS.fullmatch(name)) and _are_source_ips(actual, document, match[1]):
        return "sourceips"
    if ".image.repository" in name and actual == _repositories(event, name):
        return "a registry's port in an image's repository"
    if _template(document) is not None and actual == audit.getter(name)(_as_pod(event, document)):
        return "workloads other than pods"
    if not _is_utf8(data) and not _is_utf8(repr(actual).encode("utf-8", "surrogateescape")):
        return "bytes that are not UTF-8 in JSON output_fields"
    if not _is_utf8(data) and "\\udc" in repr(actual):
        return "bytes that are not UTF-8 in JSON output_fields"
    if name.endswith(".obj") and ESCAPED_KEY.search(data):
        return "the spelling of a key that Falco has looked up"
    return None


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _spec(document):
    request = document.get("requestObject")
    spec = request.get("spec") if isinstance(request, dict) else None
    return spec if isinstance(spec, dict) else {}


def _template(document):
    target = document.get("objectRef")
    if isinstance(target, dict) and target.get("resource") == "pods":
        return None
    template = _spec(document).get("template")
    return template.get("spec") if isinstance(template, dict) else None


def _as_pod(event, document):
    """The event with its template in the place of a pod."""
    changed = {**document, "requestObject": {**document["requestObject"], "spec": _template(document)}}
    (found,), _ = audit.Decoded().events(json.dumps(changed).encode())
    return found


def _are_source_ips(actual, document, index):
    items = document.get("sourceIPs")
    return audit.are_texts_of(actual, _chosen(items if isinstance(items, list) else [], index))


def _is_effective(actual, document, kind, who, index):
    spec = _template(document) or _spec(document)
    containers = spec.get(kind)
    key = f"runAs{who.title()}"

    def of(holder):
        security = holder.get("securityContext") if isinstance(holder, dict) else None
        return security.get(key, Ellipsis) if isinstance(security, dict) else Ellipsis

    own = [of(container) for container in _chosen(containers if isinstance(containers, list) else [], index)]
    pods = [of(spec) if value is Ellipsis else value for value in own]
    return audit.are_texts_of(actual, ["0" if value is Ellipsis else value for value in pods])


def _chosen(items, index):
    return items if index is None else items[int(index) : int(index) + 1]


def _repositories(event, name):
    images = audit.getter(name.replace(".repository", ""))(event)
    if not isinstance(images, list):
        return _repository(images)
    return [_repository(image) for image in images]


def _repository(image):
    return re.sub(r"(:[^/]*)?$", "", image.partition("@")[0])


def test_the_envelope_of_every_event_is_the_same(folder, decoded):
    """Time, payload, and the order and distance of events among those that both have."""
    recorded = {record["event"]: record for record in audit.lines(folder / "evt_fields.jsonl.gz")}
    verdict = Verdict("k8s_audit/k8s/evt_fields")
    last = 0
    for line, events, _ in decoded:
        if len(events) != len(line["events"]):
            continue
        for number, event in zip(line["events"], events, strict=True):
            assert event.num > last
            last = event.num
            if (record := recorded.get(number)) is None:
                continue
            fields = record["fields"]
            values = {
                "evt.rawtime": (event.time_ns, fields["evt.rawtime"]),
                "evt.reltime": (event.time_ns - event.start_ns, fields["evt.reltime"]),
                "evt.plugininfo": (audit.shown(event.summary), audit.value(fields["evt.plugininfo"])),
            }
            for name, (actual, expected) in values.items():
                if actual == expected:
                    verdict.agreed += 1
                else:
                    case = _of_envelope(line, event, name) or f"{name} (line {line['id']})"
                    verdict.differ(case, f"{actual!r}, Falco has {expected!r}"[:300])
    verdict.judge(folder / "evt_fields.jsonl.gz")


def _of_envelope(line, event, name):
    if name == "evt.plugininfo" and line["group"] == "dup":
        return "the last of repeated keys wins"
    return _of_value(line, event, f"{name}.obj", event.summary)


def test_lines_read_alone_are_the_same_events(folder):
    verdict = Verdict("k8s_audit/k8s/special")
    for record in audit.lines(folder / "special.jsonl"):
        events, counters = audit.Decoded().events(audit.raw(record["line"]))
        case = f"{record['group']} {record['note']}"
        actual = [event.time_ns for event in events]
        expected = [event["evt.rawtime"] for event in record["events"]]
        if actual == expected or (expected == ["NOW"] and len(actual) == 1):
            verdict.agree(case)
        elif NOT_JSON in counters:
            verdict.excuse(Reason.REFUSED_JSON)
        else:
            verdict.differ(case, f"{actual}, Falco has {expected}")
    verdict.judge(folder / "special.jsonl")
