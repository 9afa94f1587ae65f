from dataclasses import dataclass
from datetime import timedelta, timezone

import pytest

from falco.clock import Clock
from falco.events import Event
from falco.fields import FieldFlag, FieldFormat, FieldType, evt

NS = 1540563994242498000
NAMES = [
    "evt.num",
    "evt.time",
    "evt.time.s",
    "evt.time.iso8601",
    "evt.datetime",
    "evt.datetime.s",
    "evt.rawtime",
    "evt.rawtime.s",
    "evt.rawtime.ns",
    "evt.reltime",
    "evt.reltime.s",
    "evt.reltime.ns",
    "evt.pluginname",
    "evt.plugininfo",
    "evt.source",
    "evt.is_async",
    "evt.asynctype",
    "evt.hostname",
]


@dataclass(slots=True, kw_only=True)
class SummedUp(Event):
    def summary(self):
        return f"event {self.num}"


def read(event, **options):
    rows = evt.fields(source="src", hostname="host", **options)
    return {field.name: field.bind(None)(event) for field in rows}


def event(time_ns=NS, num=7, start_ns=NS):
    result = SummedUp(time_ns=time_ns)
    result.num, result.start_ns = num, start_ns
    return result


def test_the_generic_fields_are_those_of_falco():
    rows = evt.fields(source="src", hostname="host")

    assert [field.name for field in rows] == NAMES
    assert all(field.doc.endswith(".") and field.group is evt.GROUP for field in rows)


def test_an_event_answers_all_of_them():
    values = read(event(start_ns=NS - 3_000_000_007), plugin="plug", clock=Clock(timezone(timedelta(hours=1))))

    assert values == {
        "evt.num": 7,
        "evt.time": "15:26:34.242498000",
        "evt.time.s": "15:26:34",
        "evt.time.iso8601": "2018-10-26T14:26:34.242498000+0000",
        "evt.datetime": "2018-10-26 15:26:34.242498000",
        "evt.datetime.s": "2018-10-26 15:26:34",
        "evt.rawtime": NS,
        "evt.rawtime.s": NS // 10**9,
        "evt.rawtime.ns": 242498000,
        "evt.reltime": 3_000_000_007,
        "evt.reltime.s": 3,
        "evt.reltime.ns": 7,
        "evt.pluginname": "plug",
        "evt.plugininfo": "event 7",
        "evt.source": "src",
        "evt.is_async": False,
        "evt.asynctype": None,
        "evt.hostname": "host",
    }


def test_times_are_unsigned_so_that_falling_ones_wrap():
    values = read(event(time_ns=NS - 4_000_000_000))

    assert values["evt.reltime"] == 2**64 - 4_000_000_000
    assert values["evt.reltime.s"] == 18446744069
    assert values["evt.reltime.ns"] == 709551616


def test_a_bare_envelope_is_enough():
    @dataclass(frozen=True)
    class Bare:
        num: int = 1
        time_ns: int = 0

    values = read(Bare())

    assert values["evt.num"] == 1
    for name in ("evt.reltime", "evt.reltime.s", "evt.reltime.ns", "evt.pluginname", "evt.plugininfo"):
        assert values[name] is None


def test_a_source_may_say_how_the_start_and_the_summary_are_read():
    values = read(event(), start_ns=lambda e: e.time_ns - 1, summary=lambda e: "short")

    assert values["evt.reltime"] == 1
    assert values["evt.plugininfo"] == "short"


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("evt.time", FieldType.STRING, FieldFormat.TIME),
        ("evt.rawtime.ns", FieldType.ABSTIME, FieldFormat.PADDED_9),
        ("evt.reltime", FieldType.RELTIME, FieldFormat.PADDED_9),
        ("evt.reltime.s", FieldType.RELTIME, FieldFormat.NATURAL),
        ("evt.is_async", FieldType.BOOL, FieldFormat.NATURAL),
    ],
)
def test_types_and_formats_are_those_of_falco(name, kind, shape):
    (field,) = [field for field in evt.fields(source="s", hostname="h") if field.name == name]

    assert (field.type, field.format) == (kind, shape)


def test_static_fields_are_suggested_constants():
    first, second = evt.static_fields({"a": "x", "b.c": ""})

    assert (first.name, first.bind(None)(None)) == ("static.a", "x")
    assert (second.name, second.bind(None)(None)) == ("static.b.c", "")
    assert FieldFlag.SUGGESTED in first.flags
