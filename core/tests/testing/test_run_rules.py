"""``run_rules``: rules over the events of a test, and what it refuses so that a test cannot be green for nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from falco import (
    Argument,
    ConfigError,
    Event,
    EventList,
    Field,
    PluginError,
    Priority,
    RuleError,
    Source,
    SourceError,
    hookimpl,
)
from falco.testing import run_rules as run

RULES = """
- macro: by_root
  condition: note.value[who] = root
- rule: Root Wrote
  desc: Somebody who is root wrote.
  condition: by_root and note.value[what] startswith write
  output: root wrote (what=%note.value[what] where=%note.value[where])
  priority: ERROR
  source: notes
  tags: [b, a]
- rule: Anything
  desc: Anything at all.
  condition: note.value[what] exists
  output: something (%evt.num)
  priority: INFO
  source: notes
"""


@dataclass
class Note(Event):
    values: dict


class Notes(Source[list[Note]]):
    """JSON lines; what is not JSON is refused."""

    event_source = "notes"
    refused = 0

    def batches(self):
        with Path(self.open_params).open() as file:
            for line in file:
                try:
                    yield [Note(values=json.loads(line), time_ns=10**18)]
                except ValueError:
                    self.refused += 1
                    self.report(f"cannot read {line!r}")

    def counters(self):
        return {"lines that are not JSON": self.refused}


@hookimpl
def falco_register_sources():
    return [Notes]


@hookimpl
def falco_register_fields(source):
    get = lambda key: lambda event: event.values.get(key)  # noqa: E731
    return [Field("note.value", get, argument=Argument.KEY, doc="A value.")] if source == "notes" else []


class NotesDecoder(EventList[Note]):
    event_source = "notes"


@hookimpl
def falco_register_decoders():
    return [NotesDecoder]


def plugin(*hooks):
    made = ModuleType("plugin")
    for hook in hooks:
        setattr(made, hook.__name__, hook)
    return made


LINES = [
    {"who": "root", "what": "write", "where": "/etc"},
    '{"who": "ann", "what": "read"}',
    b'{"what": "write"}',
    "{}",
]


@pytest.fixture
def notes(falco_plugins):
    return falco_plugins(notes=plugin(falco_register_sources, falco_register_fields))


def test_alerts_come_in_order_with_texts_and_fields(notes):
    found = run(RULES, LINES, source="notes", plugins=notes)

    assert found.rules == ["Root Wrote", "Anything", "Anything", "Anything"]
    assert (found.count, found.events, found.refused, found.warnings) == (4, 4, {}, ())
    (alert,) = found.of_rule("Root Wrote")
    assert alert.text == "01:46:40.000000000: Error root wrote (what=write where=/etc)"
    assert alert.message == "root wrote (what=write where=/etc)"
    assert alert.priority is Priority.ERROR
    assert alert.fields == {"evt.time": 10**18, "note.value[what]": "write", "note.value[where]": "/etc"}
    assert alert.document["tags"] == ["a", "b"]
    assert [one.num for one in found.of_rule("Anything")] == [1, 2, 3]
    assert found.of_event(2).rules == ["Anything"]
    assert found.of_event(4).count == 0


def test_only_the_first_rule_of_an_event_when_asked(notes):
    assert run(RULES, LINES, source="notes", plugins=notes, first_only=True).of_event(1).rules == ["Root Wrote"]


def test_batches_go_to_the_decoder_as_they_are(notes):
    batch = [Note(values={"what": "x"}, time_ns=1)]

    assert run(RULES, batches=[batch, batch], source="notes", plugins=notes).texts == [
        "00:00:00.000000001: Informational something (1)",
        "00:00:00.000000001: Informational something (2)",
    ]


def test_events_come_from_where_the_source_opens(notes, tmp_path):
    (tmp_path / "log").write_text('{"what": "x"}\n')

    assert run(RULES, open_params=str(tmp_path / "log"), source="notes", plugins=notes).count == 1


def test_rules_are_texts_and_files_loaded_in_order(notes, tmp_path):
    (tmp_path / "more.yaml").write_text("- macro: by_root\n  condition: note.value[who] = ann\n")

    found = run([RULES, tmp_path / "more.yaml"], [{"who": "ann", "what": "write"}], source="notes", plugins=notes)

    assert found.of_rule("Root Wrote").count == 1


def test_a_misspelt_rule_is_not_one_that_never_fires(notes):
    found = run(RULES, LINES, source="notes", plugins=notes)

    with pytest.raises(LookupError, match=r"no rule 'Root wrote' .* did you mean 'Root Wrote'"):
        found.of_rule("Root wrote")
    with pytest.raises(LookupError, match="there is no event 5: 4 were looked at"):
        found.of_event(5)


def test_errors_of_rules_are_shown_with_their_place(notes):
    with pytest.raises(RuleError, match=r"rules 1:4:14: error.*\n.*\n .*\^") as caught:
        run(
            "- rule: A\n  desc: d\n  output: o\n  condition: note.valve[x] = 1\n  priority: INFO\n  source: notes\n",
            LINES,
            source="notes",
            plugins=notes,
        )
    assert "did you mean 'note.value'?" in str(caught.value)


def test_warnings_of_rules_are_kept(notes):
    (warning,) = run(RULES + "- list: unused\n  items: [a]\n", LINES, source="notes", plugins=notes).warnings

    assert "LOAD_UNUSED_LIST" in warning


def test_rules_of_other_sources_alone_prove_nothing(notes):
    with pytest.raises(RuleError, match=r"no rule that is enabled is for the event source 'notes'"):
        run(RULES.replace("source: notes", "enabled: false\n  source: notes"), LINES, source="notes", plugins=notes)


def test_lines_that_nobody_could_read_prove_nothing(notes):
    with pytest.raises(SourceError, match=r"lines that are not JSON: 1\)\n  cannot read 'no"):
        run(RULES, [*LINES, "no"], source="notes", plugins=notes)

    assert run(RULES, [*LINES, "no"], source="notes", plugins=notes, may_refuse=True).refused == {
        "lines that are not JSON": 1
    }


def test_one_kind_of_input_and_a_known_source(notes):
    with pytest.raises(ConfigError, match="one of lines, batches and open_params"):
        run(RULES, LINES, batches=[], source="notes", plugins=notes)
    with pytest.raises(ConfigError, match="no plugin knows the event source 'nodes'; known: notes"):
        run(RULES, LINES, source="nodes", plugins=notes)


def test_a_source_that_nobody_opens_needs_batches(falco_plugins):
    plugins = falco_plugins(notes=plugin(falco_register_decoders, falco_register_fields))

    with pytest.raises(ConfigError, match="no plugin can open the event source 'notes': give batches"):
        run(RULES, LINES, source="notes", plugins=plugins)
    assert run(RULES, batches=[[Note(values={"what": "x"}, time_ns=1)]], source="notes", plugins=plugins).count == 1


def test_two_plugins_with_one_field_are_both_named(falco_plugins):
    plugins = falco_plugins(a=plugin(falco_register_sources, falco_register_fields), b=plugin(falco_register_fields))

    with pytest.raises(PluginError, match=r"Plugin 'b' supports .* field 'note.value'.*plugin 'a' has it too"):
        run(RULES, LINES, source="notes", plugins=plugins)


def test_the_fixture_uses_what_is_installed(run_rules):
    rule = "- rule: A\n  desc: d\n  output: o\n  condition: ka.verb = get\n  priority: INFO\n  source: k8s_audit\n"
    event = {"kind": "Event", "auditID": "1", "stageTimestamp": "2026-03-09T09:00:01.500000Z", "verb": "get"}

    assert run_rules(rule, [event], source="k8s_audit").rules == ["A"]
