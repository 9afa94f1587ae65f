"""An event source with a field of every kind, whose events are dictionaries."""

import pytest

from falco.conditions.check import check
from falco.conditions.parser import parse
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields.model import Argument, Field, FieldClass, FieldFlag, FieldType, Quantifier
from falco.fields.registry import Fields

NATIVE = FieldClass("native", is_native=True)


def field(name, type_=FieldType.STRING, **properties):
    def bind(argument):
        key = name if argument is None else f"{name}[{argument}]"
        return lambda event: event.get(key)

    return Field(name, bind, type_, doc=f"Field {name}.", **properties)


FIELDS = (
    field("t.text"),
    field("t.other"),
    field("t.path", FieldType.FSPATH),
    field("t.list", is_list=True),
    field("t.numbers", FieldType.UINT64, is_list=True),
    field("t.num", FieldType.UINT64),
    field("t.signed", FieldType.INT32),
    field("t.small", FieldType.UINT8),
    field("t.double", FieldType.DOUBLE),
    field("t.bool", FieldType.BOOL),
    field("t.bytes", FieldType.BYTES),
    field("t.ip", FieldType.IPADDR),
    field("t.net", FieldType.IPNET),
    field("t.port", FieldType.PORT),
    field("t.uid", FieldType.UID),
    field("t.key", argument=Argument.KEY),
    field("t.index", argument=Argument.OPTIONAL_INDEX),
    field("t.either", argument=Argument.INDEX_OR_KEY),
    field("t.any", quantifier=Quantifier.ANY, flags=frozenset({FieldFlag.NO_RHS, FieldFlag.NO_TRANSFORMER})),
    field("t.both", FieldType.PORT, quantifier=Quantifier.EITHER),
    field("n.plain", group=NATIVE),
    field("n.index", argument=Argument.INDEX, group=NATIVE),
    field("n.arg", argument=Argument.KEY, group=NATIVE, spelling=lambda rest: rest[1:] if rest[:1] == "." else None),
    field("ka.verb"),
)


@pytest.fixture(scope="session")
def scope():
    return Scope("test", Fields("test", FIELDS), BUILT_IN)


@pytest.fixture(scope="session")
def checked(scope):
    """Parses and checks a condition."""
    return lambda condition: check(parse(Text.of(condition)), scope)
