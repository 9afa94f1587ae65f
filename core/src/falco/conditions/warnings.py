"""What Falco warns about in a condition that it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from falco.conditions import walk
from falco.conditions.ast import Comparison, Expr, FieldName, Identifier, ListLiteral, Literal, TransformerCall
from falco.conditions.scope import Scope
from falco.conditions.tokens import FIELD
from falco.documents.text import Extent
from falco.fields.registry import FieldError

CONDITION: Final = "LOAD_COMPILE_CONDITION"
UNSAFE_NA: Final = "LOAD_UNSAFE_NA_CHECK"
DEPRECATED: Final = "LOAD_DEPRECATED_ITEM"

_DIRECTION: Final = (
    "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and 'evt.dir = >' always evaluates to"
    " false. The rule expression can be simplified by removing the condition on 'evt.dir'"
)
_NO_ENTER_EVENTS: Final = "field is not available due to the drop of enter events."
_DEPRECATED_FIELDS: Final = {
    "evt.dir": _DIRECTION,
    "evt.latency": _NO_ENTER_EVENTS,
    "evt.latency.s": _NO_ENTER_EVENTS,
    "evt.latency.ns": _NO_ENTER_EVENTS,
    "evt.latency.human": _NO_ENTER_EVENTS,
    "evt.wait_latency": _NO_ENTER_EVENTS,
}
_UNSAFE_OPERATORS: Final = frozenset({"=", "==", "!=", "in", "intersects", "pmatch"})
_UNSAFE_FIELDS: Final = ("ka.", "jevt.")
_SIMPLE_REGEX: Final = re.compile(r"\^?(?:\.[*+?])?[^.*+?()\[\]{}|^$\\]*(?:\.[*+?])?\$?")
_BLANKS: Final = re.compile("[ \t\n\r\f\v]+")
_FIELD_TEXT: Final = re.compile(rf"({FIELD.pattern})(?:\[(.*)\])?", re.DOTALL)
_CALL_TEXT: Final = re.compile(r"([a-z0-9_]+)\(.*\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConditionWarning:
    """One warning: Falco's code and sentence, and the characters it is about.

    ``field`` is the name of a deprecated field, "" otherwise.
    """

    code: str
    message: str
    extent: Extent
    field: str = ""


def deprecated(name: str, extent: Extent) -> ConditionWarning | None:
    """The warning that using the field *name* earns, even where no such field exists."""
    message = _DEPRECATED_FIELDS.get(name)
    return None if message is None else ConditionWarning(DEPRECATED, message, extent, name)


def of_expression(expr: Expr) -> tuple[ConditionWarning, ...]:
    """Warnings that need no types: comparisons with ``<NA>``, deprecated fields. Also for conditions with errors."""
    found: dict[tuple[str, str], ConditionWarning] = {}
    for leaf in walk.leaves(expr):
        for warning in _of_leaf(leaf):
            found.setdefault((warning.code, warning.field), warning)
    return tuple(found.values())


def _of_leaf(leaf: walk.Leaf) -> Iterator[ConditionWarning]:
    names = [operand for operand in walk.operands(leaf) if isinstance(operand, FieldName)]
    for name in names:
        if (warning := deprecated(name.name, name.extent)) is not None:
            yield warning
    if isinstance(leaf, Comparison) and leaf.operator in _UNSAFE_OPERATORS:
        left = [name for name in _names(leaf.left) if name.startswith(_UNSAFE_FIELDS)]
        for literal in literals(leaf.right):
            if left and isinstance(literal, Literal) and literal.text == "<NA>":
                yield ConditionWarning(UNSAFE_NA, "", literal.extent)


def _names(left: FieldName | TransformerCall) -> Iterator[str]:
    return (o.name for o in walk.within(left) if isinstance(o, FieldName))


def literals(right: object) -> tuple[Literal | Identifier, ...]:
    """The literal values on the right side of a comparison; a name that is no list stands for itself."""
    match right:
        case Literal() | Identifier():
            return (right,)
        case ListLiteral(items=items):
            return tuple(item for item in items if isinstance(item, Literal))
        case _:
            return ()


def of_literal(literal: Literal | Identifier, operator: str, scope: Scope) -> Iterator[ConditionWarning]:
    """Warnings about a value that looks like something else, or a pattern that is none."""
    text = literal.name if isinstance(literal, Identifier) else literal.text
    squeezed = _BLANKS.sub("", text)
    if _is_field(squeezed, scope):
        message = f"'{text}' may be a valid field misused as a const string value"
        yield ConditionWarning(CONDITION, message, literal.extent)
    call = _CALL_TEXT.fullmatch(squeezed)
    if call is not None and (call[1] == "val" or call[1] in scope.transformers):
        message = f"'{text}' may be a valid field transformer misused as a const string value"
        yield ConditionWarning(CONDITION, message, literal.extent)
    if operator == "regex" and _SIMPLE_REGEX.fullmatch(text) is not None:
        message = (
            f"regex check with '{text}' may be optimized with simpler operators such as '=', 'contains',"
            " 'startswith', 'endswith'"
        )
        yield ConditionWarning(CONDITION, message, literal.extent)


def _is_field(text: str, scope: Scope) -> bool:
    found = _FIELD_TEXT.fullmatch(text)
    if found is None:
        return False
    try:
        scope.fields.use(found[1], found[2])
    except FieldError:
        return False
    return True
