"""The contract of fields, as tests to inherit.

    class TestMyFields(FieldContract):
        fields = falco_register_fields("my_source")

        @pytest.fixture
        def events(self):
            return [MyEvent(...), MyEvent(...)]

The events should hold what an attacker would send: missing, empty and wrong-typed parts, texts that are not UTF-8.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from falco.fields import Argument, Field, FieldType, Getter, Quantifier

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
    Argument.TEXT: ("a", ".a", "0", ""),
    Argument.OPTIONAL_TEXT: (None, "a", ".a", "0"),
}


class FieldContract:
    """What rules rely on; inherit, give ``fields`` and the fixture ``events``."""

    fields: ClassVar[Iterable[Field[Any]]] = ()
    arguments: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Arguments to try beside the usual ones, by name of the field."""

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

    def test_every_field_can_be_used(self) -> None:
        for field in self.fields:
            refusals = []
            for argument in (*self.arguments.get(field.name, ()), *_ARGUMENTS[field.argument]):
                try:
                    getter = field.bind(argument)
                except ValueError as error:
                    refusals.append(str(error))
                else:
                    assert callable(getter), f"{_spelled(field, argument)}: bind() returned no function"
            assert all(refusals), f"{field.name}: an argument is refused without a sentence"
            assert len(refusals) < len(_ARGUMENTS[field.argument]) or field.name in self.arguments, (
                f"{field.name} refuses every argument that was tried: name some that it takes in `arguments`"
            )

    def test_reading_never_raises(self, events: Sequence[Any]) -> None:
        for field, argument, getter in self._getters():
            for event in events:
                try:
                    getter(event)
                except Exception as error:  # noqa: BLE001  whatever a getter raises
                    pytest.fail(f"{_spelled(field, argument)} raised {error!r} on {event!r}; an absent value is None")

    def test_values_have_the_declared_type(self, events: Sequence[Any]) -> None:
        for field, argument, getter in self._getters():
            for event in events:
                value = getter(event)
                assert _is_of(field, argument, value), (
                    f"{_spelled(field, argument)} is {value!r}, not {field.type.value}"
                )

    def test_reading_changes_nothing(self, events: Sequence[Any]) -> None:
        """Neither what a field answers the next time nor what another one does."""
        getters = [getter for _, _, getter in self._getters()]
        for event in events:
            untouched = copy.deepcopy(event)
            first = [getter(event) for getter in getters]
            again = [getter(event) for getter in reversed(getters)][::-1]
            backwards = [getter(untouched) for getter in reversed(getters)][::-1]

            for i, (field, argument, _) in enumerate(self._getters()):
                assert repr(first[i]) == repr(again[i]) == repr(backwards[i]), (
                    f"{_spelled(field, argument)} depends on what was read before"
                )

    def _getters(self) -> Iterator[tuple[Field[Any], str | None, Getter[Any]]]:
        """Every field under every argument that it takes, in conditions and, where it differs, in outputs."""
        for field in self.fields:
            for argument in (*self.arguments.get(field.name, ()), *_ARGUMENTS[field.argument]):
                try:
                    getters = [bind(argument) for bind in (field.bind, field.shown) if bind is not None]
                except ValueError:
                    continue  # the field refuses this argument with a sentence, which it may
                for getter in getters:
                    yield field, argument, getter


def _spelled(field: Field[Any], argument: str | None) -> str:
    return field.name if argument is None else f"{field.name}[{argument}]"


def _is_of(field: Field[Any], argument: str | None, value: Any) -> bool:
    if value is None or (field.shown is not None and isinstance(value, str)):
        return True  # an output may show a text for a value of any type
    kind = field.type if field.type_of is None else field.type_of(argument)
    if field.is_list:
        return isinstance(value, list) and all(_is_scalar(kind, item) for item in value)
    if field.quantifier is not Quantifier.ONE and isinstance(value, tuple):
        return all(_is_scalar(kind, item) for item in value)
    return _is_scalar(kind, value)


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
