"""Exceptions of rules: their checks when they are defined or appended to, and what they become in a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from falco.conditions import check, parser
from falco.conditions.errors import ConditionError
from falco.conditions.scope import Scope
from falco.documents.text import Extent, Text
from falco.rules.codes import ErrorCode
from falco.rules.items import Entry, ExceptionItem

_INVALID: Final = ErrorCode.LOAD_ERR_VALIDATE
_BLANKS: Final = " \t\n\v\f\r"


def defined(item: ExceptionItem, scope: Scope | None) -> ExceptionItem:
    """The exception of a rule definition, complete and checked; fields are not where *scope* is None.

    Raises:
        RuleFault: Fields or comparison operators are missing or do not fit.
    """
    if not _is_given(item.fields):
        message = "Rule exception item must have fields property with a list of fields"
        raise item.where.error(_INVALID, message)
    return _checked(completed(item), scope)


def appended(
    old: tuple[ExceptionItem, ...], new: tuple[ExceptionItem, ...], scope: Scope | None
) -> tuple[ExceptionItem, ...]:
    """The exceptions *old* of a rule with *new* appended: values to those of the same name, others as a whole.

    Raises:
        RuleFault: An item of *new* is not complete, or says more than values of an exception that exists.
    """
    merged = list(old)
    for item in new:
        position = next((n for n, exception in enumerate(merged) if exception.name == item.name), None)
        if position is None:
            if not _is_given(item.fields):
                message = "Rule exception must have fields property with a list of fields"
                raise item.where.error(_INVALID, message)
            if not item.values:
                message = "Rule exception must have values property with a list of values"
                raise item.where.error(_INVALID, message)
            merged.append(_checked(completed(item), scope))
            continue
        for key, entry in (("fields", item.fields), ("comps", item.comps)):
            if _is_given(entry):
                message = f"Can not append exception {key} to existing exception, only values"
                raise item.where.error(_INVALID, message)
        merged[position] = replace(merged[position], values=merged[position].values + item.values)
    return tuple(merged)


def completed(item: ExceptionItem) -> ExceptionItem:
    """The exception with the default comparison operators where it has none: ``=`` for a list, else ``in``.

    upstream: not done for ``exceptions: replace``, which then crashes or fails to parse.
    """
    if item.comps is not None and _is_given(item.comps):
        return replace(item, comps=_stripped(item.comps))
    by = f"exception `{item.name}`"
    if isinstance(item.fields, tuple):
        return replace(item, comps=tuple(Text.of("=", by) for _ in item.fields))
    return replace(item, comps=Text.of("in", by))


def _is_given(entry: Entry | None) -> bool:
    """Whether the entry has a text, or parts; an empty one counts as missing."""
    return bool(str(entry) if isinstance(entry, Text) else entry)


def _stripped(entry: Entry) -> Entry:
    return entry.strip(_BLANKS) if isinstance(entry, Text) else tuple(_stripped(part) for part in entry)


def _text(entry: Entry | None) -> Text:
    """The entry as a text; a list is none."""
    return entry if isinstance(entry, Text) else Text(())


def _checked(item: ExceptionItem, scope: Scope | None) -> ExceptionItem:
    if isinstance(item.fields, tuple):
        comps = item.comps if isinstance(item.comps, tuple) else ()
        if len(item.fields) != len(comps):
            raise item.where.error(_INVALID, "Fields and comps lists must have equal length")
        for comp in comps:
            if not _is_operator(str(_text(comp))):
                message = f"'{_text(comp)}' is not a supported comparison operator"
                raise item.where.error(_INVALID, message, place=_place(comp))
        fields = item.fields
    else:
        if isinstance(item.comps, tuple):
            raise item.where.error(_INVALID, "Fields and comps must both be strings")
        if not _takes_list(str(_text(item.comps))) or not _is_operator(str(_text(item.comps))):
            message = (
                "When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator "
                "(e.g. startswith oneof)"
            )
            raise item.where.error(_INVALID, message, place=_place(item.comps))
        fields = (_text(item.fields),)
    for field in fields:
        if scope is not None and (hint := _unsupported(_text(field), scope)) is not None:
            message = f"'{_text(field)}' is not a supported filter field"
            raise item.where.error(_INVALID, message, place=_place(field), hint=hint)
    return item


def _place(entry: Entry | None) -> Extent | None:
    """Where the entry is written; None for one that is not."""
    text = _text(entry)
    return Extent(text, 0, len(str(text))) if text.written(0) else None


def _unsupported(field: Text, scope: Scope) -> str | None:
    """Why *field* cannot stand on the left of a comparison, perhaps ""; None if it can."""
    if str(field) != str(field).strip(_BLANKS):
        return "remove the blanks around the field"
    try:
        check.check_operand(parser.parse_operand(field, transformers=scope.transformers), scope)
    except ConditionError as error:
        return error.hint
    return None


def _is_operator(comp: str) -> bool:
    words = comp.split(" ")
    if len(words) == 2:
        return words[0] in parser.STRING_OPERATORS and words[1] in parser.MODIFIERS
    return comp in parser.OPERATORS


def _takes_list(comp: str) -> bool:
    words = comp.split()
    return comp in parser.LIST_OPERATORS or (len(words) == 2 and words[1] in parser.MODIFIERS)


def expanded(condition: Text, items: Iterable[ExceptionItem]) -> Text:
    """*condition* with the exceptions spelled out: each becomes an ``and not (...)``.

    Raises:
        RuleFault: The values of an exception do not fit its fields.
    """
    parts = [part for item in items for part in _conjunct(item)]
    return Text.join((_made("("), condition, _made(")"), *parts))


def _made(text: str, by: str = "exceptions") -> Text:
    return Text.of(text, by)


def _conjunct(item: ExceptionItem) -> Iterator[Text]:
    """The pieces of `` and not (...)`` of one exception; none without values."""
    if not item.values:
        return
    yield _made(" and not (")
    if isinstance(item.fields, tuple):
        for number, value in enumerate(item.values):
            if number:
                yield _made(" or ")
            yield from _alternative(item, item.fields, value)
    else:
        if any(isinstance(value, tuple) for value in item.values):
            raise item.where.error(_INVALID, "Expected values array to contain a list of strings")
        yield from (_text(item.fields), _made(" "), _text(item.comps), _made(" "))
        yield from _listed(item.values)
    yield _made(")")


def _alternative(item: ExceptionItem, fields: tuple[Entry, ...], value: Entry) -> Iterator[Text]:
    """The pieces of one tuple of values: ``(field comp value and ...)``."""
    values = value if isinstance(value, tuple) else ()
    comps = item.comps if isinstance(item.comps, tuple) else ()
    if len(values) != len(fields):
        raise item.where.error(_INVALID, "Fields and values lists must have equal length")
    if len(comps) != len(fields):
        raise item.where.error(_INVALID, "Fields and comps lists must have equal length")
    yield _made("(")
    for number, (field, comp, right) in enumerate(zip(fields, comps, values, strict=True)):
        yield _made(" and  " if number else " ")
        yield from (_text(field), _made(" "), _text(comp), _made(" "))
        if isinstance(right, tuple):
            yield from _listed(right)
        elif not _takes_list(str(_text(comp))):
            yield _quoted(right)
        elif str(right).startswith("("):
            yield right
        else:
            yield from (_made("("), right, _made(")"))
    yield _made(")")


def _listed(values: tuple[Entry, ...]) -> Iterator[Text]:
    yield _made("(")
    for number, value in enumerate(values):
        if number:
            yield _made(", ")
        yield _quoted(_text(value))
    yield _made(")")


def _quoted(value: Text) -> Text:
    """*value* in quotes if it has a blank and no quotes yet; nothing is escaped."""
    text = str(value)
    return Text.join((_made('"'), value, _made('"'))) if " " in text and text[0] not in "\"'" else value
