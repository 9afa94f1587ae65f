"""Fields under their contract: good ones, and one for each promise that is not kept."""

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from falco import Argument, Event, Field, FieldType, Quantifier
from falco.testing import FieldContract


@dataclass
class Thing(Event):
    values: dict = field(default_factory=dict)


def value(key):
    return lambda event: event.values.get(key)


def refusing(key):
    if key not in {"size", "names"}:
        raise ValueError(f"there is no value '{key}'")
    return value(key)


def refusing_without_words(key):
    if not key:
        raise ValueError
    return value(key)


class _Contract(FieldContract):
    @pytest.fixture
    def events(self):
        return [Thing(time_ns=1), Thing(time_ns=2, values={"size": 3, "names": ["a"], "a": "b"})]


class TestGood(_Contract):
    fields = (
        Field("thing.value", value, argument=Argument.KEY, doc="A value."),
        Field("thing.size", lambda _: value("size"), FieldType.INT64, doc="Its size."),
        Field("thing.names", lambda _: value("names"), is_list=True, doc="Its names."),
        Field("thing.any", lambda _: lambda event: ("a", "b"), quantifier=Quantifier.ANY, doc="One of two."),
        Field("thing.some", refusing, FieldType.DYNAMIC, argument=Argument.TEXT, doc="Some value."),
        Field("thing.shown", lambda _: value("a"), shown=lambda _: lambda event: "x", doc="Shown otherwise."),
    )
    arguments: ClassVar = {"thing.some": ("size",)}


class TestWithoutDoc(_Contract):
    breaks = "test_every_field_says_what_it_is"
    fields = (Field("thing.size", lambda _: value("size"), FieldType.INT64),)


class TestTwice(_Contract):
    breaks = "test_names_are_unique"
    fields = 2 * (Field("thing.size", lambda _: value("size"), FieldType.INT64, doc="Its size."),)


class TestRefusesAll(_Contract):
    breaks = "test_every_field_can_be_used"
    fields = (Field("thing.some", refusing, FieldType.DYNAMIC, argument=Argument.TEXT, doc="Some value."),)


class TestRefusesWithoutWords(_Contract):
    breaks = "test_every_field_can_be_used"
    fields = (Field("thing.value", refusing_without_words, argument=Argument.KEY, doc="A value."),)


class TestRaises(_Contract):
    breaks = "test_reading_never_raises"
    fields = (Field("thing.size", lambda _: lambda e: e.values["size"], FieldType.INT64, doc="Its size."),)


class TestOfAnotherType(_Contract):
    breaks = "test_values_have_the_declared_type"
    fields = (Field("thing.size", lambda _: value("size"), doc="Its size."),)


class TestShownAsAnotherType(_Contract):
    breaks = "test_values_have_the_declared_type"
    fields = (Field("thing.a", lambda _: value("a"), shown=lambda _: value("size"), doc="A value."),)


class TestConsumes(_Contract):
    breaks = "test_reading_changes_nothing"
    fields = (Field("thing.size", lambda _: lambda e: e.values.pop("size", None), FieldType.INT64, doc="Its size."),)


class TestDependsOnOthers(_Contract):
    breaks = "test_reading_changes_nothing"
    fields = (
        Field("thing.a", lambda _: lambda e: e.values.setdefault("seen", "a"), doc="First asked."),
        Field("thing.b", lambda _: lambda e: e.values.setdefault("seen", "b"), doc="First asked."),
    )
