"""Lists of fields and event types: the layout byte for byte, everything but the descriptions.

For the layout our fields are given the recorded descriptions. Calls without an event of their own come in another
order: Falco's is that of a hash table.
"""

import json
from dataclasses import replace

import pytest
from recorded.syscalls import scope
from recorded.verdict import Verdict

from falco.events import listing as events
from falco.fields import FieldClass, listing
from falco_syscall.catalogue import CATALOGUE


def described(fields, document):
    """*fields* with the recorded descriptions, in their order."""
    by_name = {}
    for field in fields:
        by_name[field.name, field.group.title] = field
    found = []
    for section in document["fieldclasses"]:
        for row in section["fields"]:
            candidates = [field for (name, _), field in by_name.items() if name == row["name"]]
            assert candidates, f"there is no field {row['name']}"
            field = candidates[-1]
            group = FieldClass(section["name"], field.group.title, section.get("desc", ""))
            found.append(replace(field, doc=row["desc"], group=group))
    return found


@pytest.fixture
def lists(oracle):
    return oracle / "syscall" / "lists"


def listed_lines(text):
    return text.split("\n")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("list_syscall.text", listing.fields_text),
        ("list_syscall_verbose.text", lambda fields: listing.fields_text(fields, verbose=True)),
        ("list_syscall.markdown", listing.fields_markdown),
        ("list_syscall.json", listing.fields_json),
        ("list_syscall_names.text", listing.names_text),
    ],
)
def test_fields(lists, name, make):
    document = json.loads((lists / "list_syscall.json").read_text(encoding="utf-8"))
    verdict = Verdict(f"syscall/lists/{name}")
    wanted = listed_lines((lists / name).read_text(encoding="utf-8"))
    got = listed_lines(make({"syscall": described(scope().fields, document)}))
    assert len(got) == len(wanted)
    for number, (ours, theirs) in enumerate(zip(got, wanted, strict=True), 1):
        if ours == theirs:
            verdict.agree(number)
        else:
            verdict.differ(ours.strip()[:60], f"line {number}: {ours!r} instead of {theirs!r}")
    verdict.judge(lists / name)


def test_the_fields_are_those_that_falco_lists(lists):
    document = json.loads((lists / "list_syscall.json").read_text(encoding="utf-8"))
    recorded = [row["name"] for section in document["fieldclasses"] for row in section["fields"]]

    assert listing.names_text({"syscall": scope().fields}).split() == recorded


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("list_events.text", events.events_text),
        ("list_events.markdown", events.events_markdown),
        ("ignored.text", events.ignored_text),
    ],
)
def test_events(lists, name, make):
    got, wanted = listed_lines(make(CATALOGUE)), listed_lines((lists / name).read_text(encoding="utf-8"))

    assert sorted(got) == sorted(wanted)
    if name != "ignored.text":
        assert got[:168] == wanted[:168]  # up to the calls without an event of their own


def test_events_as_json(lists):
    got, wanted = json.loads(events.events_json(CATALOGUE)), json.loads((lists / "list_events.json").read_text())

    def shown(document):
        return {
            key: value if isinstance(value, str) else sorted(json.dumps(row, sort_keys=True) for row in value)
            for key, value in document.items()
        }

    assert shown(got) == shown(wanted)
