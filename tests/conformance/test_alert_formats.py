"""What ``falco`` printed on standard output under every format option, made again by the pieces in this process.

From rule text and audit lines to lines of alerts and statistics; without rule loader, configuration and channels,
whose own tests run the same cases through the command.
"""

import gzip
import json
from datetime import UTC, datetime, timezone

import pytest
import yaml

from falco.alerts import FormatOptions, JsonFormatter, TextFormatter
from falco.alerts.statistics import Statistics
from falco.clock import Clock, zone_of
from falco.conditions.check import check
from falco.conditions.parser import parse as parse_condition
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields import evt
from falco.fields.registry import Fields
from falco.pipeline.pipeline import evaluate
from falco.rules.model import Priority, Rule
from falco.ruleset import Ruleset
from falco.templates.parse import parse
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.fields import FIELDS

ENVIRONMENT = {"FALCO_HOSTNAME": "test-host", "TZ": "UTC"}
BLANKS = " \t\n\v\f\r"  # what C calls blank; a no-break space is text
GROUPS = ("format", "toggles")
KEYS = {
    "json_include_output_property": "include_output",
    "json_include_message_property": "include_message",
    "json_include_output_fields_property": "include_output_fields",
    "json_include_tags_property": "include_tags",
    "time_format_iso_8601": "is_iso8601",
    "buffer_format_base64": "is_base64",
}


def load_yaml(text):
    return yaml.safe_load(text.replace("\x7f", "\\x7f"))  # PyYAML wants it escaped; it stands in double quotes


def is_about_formats(case, config):
    """Whether *case* is about nothing but format options with plain values: how others are read is another matter."""
    known = {"rule_matching", "json_output", "buffered_outputs", *KEYS}
    plain = all(value in {True, False, "all", "first"} for value in map(str_or_bool, config.values()))
    # the other file holds what our JSON reader refuses or spells otherwise, which are listed differences
    is_whole = case["config"]["base"] == "few.jsonl" and not case["rc"]
    return is_whole and case["group"] in GROUPS and set(config) <= known and plain


def str_or_bool(value):
    return value if isinstance(value, bool | str) else None


def rules_of(text, scope):
    def rule(index, item):
        priority = item["priority"].upper()
        return Rule(
            index,
            item["rule"],
            scope.source,
            Priority["INFORMATIONAL" if priority == "INFO" else priority],
            check(parse_condition(Text.of(item["condition"])), scope).condition,
            parse(Text.of(item["output"].strip(BLANKS)), scope),
            tags=tuple(sorted(item.get("tags", ()))),
            enabled=item.get("enabled", True),
        )

    return [rule(index, item) for index, item in enumerate(load_yaml(text))]


def recorded_clock(env):
    """The clock of the recorded run.

    Falco adds to every time the offset from UTC that holds while it runs, also to times of the other half of the year;
    ours is the offset that held then (a listed difference).
    """
    recorded = datetime(2026, 11, 23, tzinfo=UTC)
    return Clock(timezone(recorded.astimezone(zone_of(env)).utcoffset()))


def run(case, config, folder):
    """Standard output of the run that *case* records."""
    env = ENVIRONMENT | case.get("env", {})
    clock, hostname = recorded_clock(env), env["FALCO_HOSTNAME"]
    rows = (*evt.fields(source="k8s_audit", plugin="k8saudit", hostname=hostname, clock=clock), *FIELDS)
    scope = Scope("k8s_audit", Fields("k8s_audit", rows), BUILT_IN)
    text = case["rules"]
    if "\n" not in text:
        text = (folder / text).read_text(encoding="utf-8")
    rules = Ruleset(
        rules_of(text, scope),
        dispatch=AuditDecoder.dispatch,
        assume=AuditDecoder.assume,
        first_only=config.get("rule_matching", "first") == "first",
    )
    options = FormatOptions(
        hostname=hostname, clock=clock, **{KEYS[key]: value for key, value in config.items() if key in KEYS}
    )
    formatter = (JsonFormatter if config.get("json_output") is True else TextFormatter)(options)
    statistics = Statistics()
    lines = []
    for alert in evaluate(AuditDecoder(), (folder / "few.raw.jsonl").read_bytes().splitlines(keepends=True), rules):
        statistics.count(alert)
        lines.append(f"{formatter.render(alert)}\n")
    return "".join(lines) + statistics.text()


def test_standard_output_is_that_of_falco(oracle):
    folder = oracle / "k8s_audit" / "output"
    with gzip.open(folder / "cases.jsonl.gz", "rt", encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    seen = 0
    for case in cases:
        config = load_yaml(case["config"]["extra"]) or {} if isinstance(case["config"], dict) else None
        if config is None or not is_about_formats(case, config):
            continue
        seen += 1
        expected = case["stdout"]
        actual = run(case, config, folder)
        for number, (ours, theirs) in enumerate(zip(actual.splitlines(), expected.splitlines(), strict=False)):
            assert ours == theirs, f"case {case['id']}, line {number}"
        assert actual == expected, f"case {case['id']}"
    assert seen


@pytest.mark.parametrize("tz", ["Asia/Kolkata", "America/New_York"])
def test_the_zone_changes_local_times_only(oracle, tz):
    folder = oracle / "k8s_audit" / "output"
    rule = '- {rule: r, condition: evt.num exists, output: "%evt.time.iso8601", priority: INFO}\n'
    case = {"rules": rule}
    local, utc = (run({**case, "env": {"TZ": zone}}, {"json_output": True}, folder) for zone in (tz, "UTC"))

    assert local != utc
    pairs = zip(local.splitlines()[:3], utc.splitlines()[:3], strict=True)
    for ours, theirs in (map(json.loads, pair) for pair in pairs):
        assert ours.pop("output").split(": ")[1] == theirs.pop("output").split(": ")[1]
        assert ours == theirs
