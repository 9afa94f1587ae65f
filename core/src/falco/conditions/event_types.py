"""Event types in conditions: which names ``evt.type`` may be compared with, and which events a condition can hold for.

Works on the untyped AST, macros and lists replaced. The set of event types of a condition is an upper bound
that costs nothing to know: rules are not even tried on other events, and a rule that no event type narrows
down earns a warning (filter-language.md §7).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falco.conditions import ast
from falco.conditions.errors import ConditionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from falco.documents.text import Extent
    from falco.events.catalogue import EventCatalogue

Codes: TypeAlias = frozenset[int]

MANY: Final = 100
"""A condition that can hold for more event types than this is slow."""

_NAMED_TYPE: Final = "evt.type"
_TYPES: Final = frozenset({_NAMED_TYPE, "syscall.type"})
_NUMBER: Final = "evt.num"


class _Reach(NamedTuple):
    """The event types for which an expression can be true, and those for which it can be false."""

    true: Codes
    false: Codes

    def negated(self) -> _Reach:
        return _Reach(self.false, self.true)


class EventTypes:
    """The event types of one event source, by the names that rules use.

    Attributes:
        all: The codes of all event types.
        always: The codes that every rule is evaluated for, whatever its condition says.
    """

    def __init__(self, catalogue: EventCatalogue) -> None:
        by_name: defaultdict[str, set[int]] = defaultdict(set)
        for event_type in catalogue.types:
            by_name[event_type.name].add(event_type.code)
        self._codes: Mapping[str, Codes] = {name: frozenset(codes) for name, codes in by_name.items()}
        self._names = {event_type.code: event_type.name for event_type in catalogue.types}
        self._stored = {
            event_type.code: event_type.code if event_type.stored_code is None else event_type.stored_code
            for event_type in catalogue.types
        }
        self._known = frozenset(self._codes) | catalogue.aliases
        self.all: Codes = frozenset(self._names)
        self.always: Codes = catalogue.always

    def is_known(self, name: str) -> bool:
        """Whether ``evt.type`` may be compared with *name*."""
        return name in self._known

    def codes(self, name: str) -> Codes:
        """The codes of the event types called *name*; none for an alias or an unknown name."""
        return self._codes.get(name, frozenset())

    def names(self, codes: Iterable[int]) -> frozenset[str]:
        """The names of the event types with these codes."""
        return frozenset(self._names[code] for code in codes)

    def are_many(self, codes: Iterable[int]) -> bool:
        """Whether a rule for these codes deserves the warning LOAD_NO_EVTTYPE.

        Codes that are one to the source count once.
        """
        return len({self._stored[code] for code in codes}) > MANY

    def validate(self, comparison: ast.Comparison) -> None:
        """Check the literals that ``evt.type`` is compared with, transformed or not, whatever the operator.

        Raises:
            ConditionError: One of them is not the name of an event type.
        """
        if _field_under(comparison.left) != _NAMED_TYPE:
            return
        for name, extent in _literals(comparison.right):
            if not self.is_known(name):
                raise ConditionError(f"unknown event type {name}", extent)

    def infer(self, expr: ast.Expr) -> Codes:
        """The codes of the event types for which *expr* can be true.

        Raises:
            ConditionError: ``evt.type`` or ``syscall.type`` is transformed or compared with another field: that
                says nothing about the event types before there is an event.
        """
        return self._reach(expr).true

    def _reach(self, root: ast.Expr) -> _Reach:
        # Conditions may be nested to any depth: a stack of our own, children before their parents.
        pending: list[tuple[ast.Expr, bool]] = [(root, False)]
        done: list[_Reach] = []
        while pending:
            expr, children_are_done = pending.pop()
            match expr:
                case ast.Not(child=child):
                    if children_are_done:
                        done.append(done.pop().negated())
                    else:
                        pending += [(expr, True), (child, False)]
                case ast.And(children=children) | ast.Or(children=children):
                    if children_are_done:
                        reaches = done[-len(children) :]
                        del done[-len(children) :]
                        done.append(_all_of(reaches) if isinstance(expr, ast.And) else _any_of(reaches))
                    else:
                        pending.append((expr, True))
                        pending += [(child, False) for child in reversed(children)]
                case ast.Exists():
                    done.append(self._exists(expr))
                case ast.Comparison():
                    done.append(self._comparison(expr))
                case ast.Identifier():
                    raise ConditionError(f"undefined macro '{expr.name}' used in filter", expr.extent)
        return done.pop()

    def _exists(self, expr: ast.Exists) -> _Reach:
        field = _plain_field(expr.left)
        # Every event has an evt.type; syscall.type is missing from some: its absence narrows nothing down.
        return _Reach(self.all, frozenset()) if field == _NAMED_TYPE else self._neutral

    def _comparison(self, expr: ast.Comparison) -> _Reach:
        field = _plain_field(expr.left)
        if field in _TYPES:
            return self._of_type(expr)
        if field == _NUMBER:
            return self._of_number(expr)
        return self._neutral

    @property
    def _neutral(self) -> _Reach:
        return _Reach(self.all, self.all)

    def _of_type(self, expr: ast.Comparison) -> _Reach:
        if not isinstance(expr.right, ast.Literal | ast.ListLiteral | ast.Identifier):
            raise ConditionError(
                "right-hand field comparisons on `evt.type`/`syscall.type` checks are not supported by "
                "event code search",
                expr.extent,
                hint="compare with names of events, for example evt.type in (open, openat)",
            )
        if expr.operator not in {"=", "==", "!=", "in"}:
            return self._neutral
        codes = frozenset[int]().union(*(self.codes(name) for name, _ in _literals(expr.right)))
        reach = _Reach(codes, self.all - codes)
        return reach.negated() if expr.operator == "!=" else reach

    def _of_number(self, expr: ast.Comparison) -> _Reach:
        """Numbers of events begin at 1: ``evt.num = 0`` never holds, ``evt.num >= 0`` always does."""
        if not isinstance(expr.right, ast.Literal | ast.ListLiteral | ast.Identifier):
            return self._neutral
        texts = [text for text, _ in _literals(expr.right)]
        if not all(text.isascii() and text.isdigit() for text in texts):
            return self._neutral
        numbers = [_small(text) for text in texts]
        never = _Reach(frozenset(), self.all)
        always = never.negated()
        match expr.operator, numbers:
            case ("=" | "==", [0]) | ("<", [0 | 1]) | ("<=", [0]):
                return never
            case ("!=", [0]) | (">", [0]) | (">=", [0 | 1]):
                return always
            case ("in", _) if not any(numbers):
                return never
        return self._neutral


def _small(digits: str) -> int:
    """0, 1, or 2 for every greater number: converting digits by the thousand would take quadratic time."""
    significant = digits.lstrip("0")
    return {"": 0, "1": 1}.get(significant, 2)


def _all_of(reaches: list[_Reach]) -> _Reach:
    return _Reach(
        frozenset.intersection(*(reach.true for reach in reaches)),
        frozenset.union(*(reach.false for reach in reaches)),
    )


def _any_of(reaches: list[_Reach]) -> _Reach:
    return _Reach(
        frozenset.union(*(reach.true for reach in reaches)),
        frozenset.intersection(*(reach.false for reach in reaches)),
    )


def _plain_field(left: ast.FieldName | ast.TransformerCall) -> str:
    """The name of the field on the left; "" if it is transformed.

    Raises:
        ConditionError: The event type is transformed.
    """
    if isinstance(left, ast.FieldName):
        return left.name
    if _field_under(left) in _TYPES:
        raise ConditionError(
            "field transformers on `evt.type`/`syscall.type` checks are not supported by event code search",
            left.extent,
            hint="compare with names of events, for example evt.type in (open, openat)",
        )
    return ""


def _field_under(operand: ast.FieldName | ast.TransformerCall) -> str:
    """The name of the first field inside of *operand*; "" if there is none."""
    pending: list[ast.Operand] = [operand]
    while pending:
        match pending.pop():
            case ast.FieldName(name=name):
                return name
            case ast.TransformerCall(arguments=items) | ast.ListLiteral(items=items):
                pending += reversed(items)
    return ""


def _literals(right: ast.Operand | ast.Identifier) -> list[tuple[str, Extent]]:
    match right:
        case ast.Literal(text=text, extent=extent):
            return [(text, extent)]
        case ast.Identifier(name=name, extent=extent):  # the name of a list that does not exist stands for itself
            return [(name, extent)]
        case ast.ListLiteral(items=items):
            return [(item.text, item.extent) for item in items if isinstance(item, ast.Literal)]
    return []
