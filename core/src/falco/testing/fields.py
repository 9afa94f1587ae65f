"""The contract of fields, as tests to inherit.

class TestMyFields(FieldContract):
    fields = falco_register_fields("my_source")

    @pytest.fixture
    def events(self):
        return [MyEvent(...), MyEvent(...)]
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import pytest

from falco.fields import Argument, Field, FieldType, Quantifier

_INTEGERS = frozenset(t for t in FieldType if t.value.startswith(("INT", "UINT", "FLAGS", "ENUMFLAGS"))) | {
    FieldType.RELTIME,
    FieldType.ABSTIME,
    FieldType.PORT,
    FieldType.FD,
    FieldType.PID,
    FieldType.UID,
    FieldType.GID,
    FieldType.ERRNO,
    FieldType.MODE,
}
_TEXTS = frozenset({FieldType.STRING, FieldType.FSPATH, FieldType.FSRELPATH})
_ARGUMENTS = {
    Argument.NONE: (None,),
    Argument.INDEX: ("0", "1", "9999"),
    Argument.KEY: ("a", "", "/a/0", "\u00e9"),
    Argument.INDEX_OR_KEY: ("0", "a", ""),
    Argument.OPTIONAL_INDEX: (None, "0", "9999"),
    Argument.OPTIONAL_KEY: (None, "a", ""),
    Argument.OPTIONAL_INDEX_OR_KEY: (None, "0", "a"),
    Argument.TEXT: ("0", "a", ".a", ""),
    Argument.OPTIONAL_TEXT: (None, "0", "a", ".a"),
}


class FieldContract:
    """What rules rely on; inherit, give ``fields`` and the fixture ``events``."""

    fields: ClassVar[Iterable[Field[Any]]] = ()

    @pytest.fixture
    def events(self) -> Sequence[Any]:
        """Events of the source, odd ones too."""
        raise NotImplementedError("give the fixture events")

    def test_every_field_says_what_it_is(self) -> None:
        fields = tuple(self.fields)

        assert fields, "no fields given"
        for field in fields:
            assert field.doc.strip(), f"{field.name} has no doc"
            assert "." in field.name, f"{field.name}: a field name has at least one dot"

    def test_names_are_unique(self) -> None:
        names = [field.name for field in self.fields]

        assert sorted(set(names)) == sorted(names)

    def test_values_have_the_declared_type(self, events: Sequence[Any]) -> None:
        for use, value in self._values(events):
            assert _is_of(use[0], value), f"{use[0].name}[{use[1]}] is {value!r}, not {use[0].type.value}"

    def test_reading_twice_gives_the_same_and_changes_nothing(self, events: Sequence[Any]) -> None:
        for event in events:
            before = copy.deepcopy(event)
            first = [value for _, value in self._values([event])]
            second = [value for _, value in self._values([before])]

            assert first == second

    def _values(self, events: Sequence[Any]) -> Iterator[tuple[tuple[Field[Any], str | None], Any]]:
        for field in self.fields:
            for argument in _ARGUMENTS[field.argument]:
                try:
                    getter = field.bind(argument)
                except ValueError:
                    continue  # the field refuses this argument with a sentence, which it may
                for event in events:
                    yield (field, argument), getter(event)


def _is_of(field: Field[Any], value: Any) -> bool:
    if value is None:
        return True
    if field.is_list:
        return isinstance(value, list) and all(_is_scalar(field.type, item) for item in value)
    if field.quantifier is not Quantifier.ONE and isinstance(value, tuple):
        return all(_is_scalar(field.type, item) for item in value)
    return _is_scalar(field.type, value)


def _is_scalar(kind: FieldType, value: Any) -> bool:
    if kind in _TEXTS:
        return isinstance(value, str)
    if kind is FieldType.BOOL:
        return isinstance(value, bool)
    if kind in _INTEGERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is FieldType.BYTES:
        return isinstance(value, bytes)
    return True
