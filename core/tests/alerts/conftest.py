"""Rules and events by hand: an event is a dictionary of values, a field reads its name from it."""

import pytest

from falco.conditions.checked import TRUE
from falco.fields import Field, FieldFlag, FieldFormat, FieldType, FieldUse
from falco.rules.model import ExtraField, Priority, Rule
from falco.templates.model import Template, Token

NS = 1540563994242498000


def use(name, argument=None, **properties):
    key = name if argument is None else f"{name}[{argument}]"
    return FieldUse(name, argument, Field(name, lambda _arg: lambda event: event.get(key), **properties))


USES = {
    "%name": use("x.name"),
    "%arg": use("x.arg", "k"),
    "%groups": use("x.groups", is_list=True),
    "%num": use("evt.num", type=FieldType.UINT64),
    "%time": use("evt.time", format=FieldFormat.TIME),
    "%datetime.s": use("evt.datetime.s", format=FieldFormat.DATETIME_S),
    "%rel": use("evt.reltime", type=FieldType.RELTIME, format=FieldFormat.PADDED_9),
    "%rel.s": use("evt.reltime.s", type=FieldType.RELTIME),
    "%data": use("x.data", type=FieldType.BYTES),
    "%filter": use("x.filter", flags=frozenset({FieldFlag.FILTER_ONLY})),
    "%shown": FieldUse(
        "x.shown", None, Field("x.shown", lambda _arg: lambda _e: 1 / 0, shown=lambda _arg: lambda _e: "s")
    ),
}


def template(*pieces):
    return Template(tuple(token(piece) for piece in pieces))


def token(piece):
    if isinstance(piece, Token) or piece not in USES:
        return piece
    return Token(USES[piece], USES[piece].text)


def make_rule(*pieces, **properties):
    defaults = {"index": 3, "name": "Some rule", "source": "src", "priority": Priority.WARNING}
    return Rule(**{**defaults, "condition": TRUE, "output": template(*pieces), **properties})


def make_extra(key, *pieces, is_raw=False):
    return ExtraField(key, template(*pieces), is_raw)


@pytest.fixture
def rule():
    """A function pieces → rule."""
    return make_rule


@pytest.fixture
def extra():
    """A function (key, pieces) → extra field."""
    return make_extra


@pytest.fixture
def uses():
    """The fields that pieces such as ``%name`` stand for."""
    return USES
