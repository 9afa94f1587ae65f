"""The fields of one event source, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from falco.documents.suggestions import did_you_mean
from falco.errors import RuleError
from falco.fields.model import Field, FieldUse

_MAX_INDEX: Final = 2**64 - 1


class FieldError(RuleError):
    """A name or argument in a condition or an output stands for no field.

    Args:
        message: Falco's sentence.
        hint: Makes the hint: looking for similar names takes long, and not every error is shown.
    """

    def __init__(self, message: str, hint: Callable[[], str] | str = "") -> None:
        super().__init__(message)
        self.message = message
        self._hint = hint

    @property
    def hint(self) -> str:
        """What to do, in our words; "" when there is nothing to add."""
        return self._hint if isinstance(self._hint, str) else self._hint()


class Fields:
    """The fields of the event source *source*, in order; of two with one name the later replaces the earlier.

    *all_sources* has the fields of every event source by its name, and may be filled later: a field that is looked for
    in the wrong one is called that.
    """

    def __init__(
        self, source: str, fields: Iterable[Field[Any]], all_sources: Mapping[str, Fields] = MappingProxyType({})
    ) -> None:
        self.source = source
        self._all_sources = all_sources
        self._fields: dict[str, Field[Any]] = {}
        for field in fields:
            self._fields[field.name] = field
        self._longest = max(map(len, self._fields), default=0)

    def __iter__(self) -> Iterator[Field[Any]]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def get(self, name: str) -> Field[Any] | None:
        """The field that is called exactly *name*."""
        return self._fields.get(name)

    def use(self, name: str, argument: str | None = None) -> FieldUse:
        """The field written ``name`` or ``name[argument]``, its argument checked and normalised.

        A name that is no field may be a field with the argument in another spelling (``evt.arg.flags``): the field
        with the longest name that *name* begins with is asked.

        Raises:
            FieldError: There is no such field, or the argument does not suit it.
        """
        field = self._fields.get(name)
        if field is None:
            field, rest = self._split(name, argument)
            argument = self._respelled(field, rest, name, argument)
        else:
            _check_argument(field, argument)
        use = FieldUse(field.name, argument, field)
        try:
            field.bind(argument)
            _ = use.type
        except ValueError as error:
            raise FieldError(str(error)) from error
        return use

    def _split(self, name: str, argument: str | None) -> tuple[Field[Any], str]:
        """The field with the longest name that *name* begins with, and what follows it."""
        for end in range(min(len(name) - 1, self._longest), 0, -1):
            if (field := self._fields.get(name[:end])) is not None:
                return field, name[end:]
        raise self._unknown(_text(name, argument), name)

    def _respelled(self, field: Field[Any], rest: str, name: str, argument: str | None) -> str:
        text = _text(name, argument)
        if field.spelling is not None and argument is None:
            try:
                found = field.spelling(rest)
            except ValueError as error:
                raise FieldError(str(error)) from error
            if found is not None:
                return found
        if argument is None and field.argument.is_required and not field.is_native:
            raise FieldError(f"filter '{text}': {field.name} requires an argument but none provided", _example(field))
        raise self._unknown(text, name)

    def _unknown(self, text: str, name: str) -> FieldError:
        return FieldError(f"filter_check called with nonexistent field {text}", lambda: self._similar(name))

    def _is_known(self, name: str) -> bool:
        """Whether *name* is a field, or one with its argument in another spelling."""
        if name in self._fields:
            return True
        try:
            self.use(name)
        except FieldError:
            return False
        return True

    def _similar(self, name: str) -> str:
        for source, fields in self._all_sources.items():
            if fields is not self and fields._is_known(name):  # noqa: SLF001  of the same class
                return (
                    f"a field of event source '{source}', not of '{self.source}'; rules for it say 'source: {source}'"
                )
        return did_you_mean(name, self._fields, cutoff=0.7) or f"'falco --list={self.source}' shows the fields"


def _check_argument(field: Field[Any], argument: str | None) -> None:
    """Raise FieldError, with the sentence of Falco's code for this group of fields, for what *field* refuses."""
    text = _text(field.name, argument)
    if field.is_native:
        _check_native(field, argument, text)
        return
    if argument is None:
        if field.argument.is_required:
            raise FieldError(f"filter '{text}': {field.name} requires an argument but none provided", _example(field))
        return
    # Falco reads the argument of such a field anew from the unquoted text: up to a blank, and up to the first bracket.
    if " " in argument:
        cut = text[: text.index(" ")]
        raise FieldError(f"filter '{cut}': {field.name} has unbalanced argument brackets", "an argument has no blanks")
    if "]" in argument:
        raise FieldError(f"filter_check called with nonexistent field {text}", "an argument has no brackets")
    if not (field.argument.is_index or field.argument.is_key):
        problem = f"does not allow nor require an argument but one is provided: {argument}"
        raise FieldError(f"filter '{text}': {field.name} {problem}", f"write {field.name}")
    if not field.argument.is_key and (problem := _index_problem(argument)):
        raise FieldError(f"filter {text} {field.name} has an invalid index argument {problem}: {argument}")


def _index_problem(argument: str) -> str:
    if argument == "0":
        return ""
    if not argument or (argument[0] == "0" and argument.isascii() and argument.isdigit()):
        return "starting with 0"
    if not (argument.isascii() and argument.isdigit()):
        return "not composed only by digits"
    return "" if len(argument) <= 20 and int(argument) <= _MAX_INDEX else "not representable on 64 bit"


def _check_native(field: Field[Any], argument: str | None, text: str) -> None:
    """The fields of Falco itself look at their argument one by one; most know only that the name does not end there."""
    if argument is None:
        if field.argument.is_required:
            raise FieldError(f"filter syntax error: {text}", _example(field))
        return
    digits = argument.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit()
    if field.argument.is_key or (field.argument.is_index and is_number):
        return
    hint = f"the argument of {field.name} is a number" if field.argument.is_index else f"write {field.name}"
    raise FieldError(f"filter_check called with nonexistent field {text}", hint)


def _text(name: str, argument: str | None) -> str:
    return name if argument is None else f"{name}[{argument}]"


def _example(field: Field[Any]) -> str:
    return f"write {field.name}[{'0' if field.argument.is_index else 'name'}]"
