"""What all alerts of a rule share, and how their values are read.

An ``AlertTemplate`` holds what is needed to write alerts and nothing else: it is a value, so alerts can be sent to
another process, which has the same rules but none of the fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from falco.conditions.bind import getter
from falco.conditions.checked import Operand
from falco.fields.evt import RELTIMES
from falco.fields.format import TIME_FORMATS, Shape, is_shown
from falco.fields.model import FieldUse, Getter
from falco.rules.model import Priority, Rule
from falco.templates.model import Template, Token
from falco.templates.render import Placeholder, Prepared, Values

ABSENT: Final = Placeholder(None, Shape())
"""Stands for a value that is never there."""

Extra: TypeAlias = "Placeholder | Prepared"


@dataclass(frozen=True, slots=True)
class AlertTemplate:
    """The part of an alert that is the same for all alerts of a rule."""

    rule: str
    priority: Priority
    source: str
    message: Prepared
    tags: tuple[str, ...] = ()
    fields: tuple[tuple[str, Placeholder], ...] = ()
    """Keys and values of ``output_fields``, without the time in front of the message."""
    extra_fields: tuple[tuple[str, Extra], ...] = ()
    """Further keys, which take the place of equal ones: a value, or a rendered text."""
    index: int = 0
    """Order of definition of the rule."""
    is_internal: bool = False
    """An alert of Falco about itself."""
    nums: tuple[int, ...] = ()
    """Slots that hold the number of the event."""
    reltimes: tuple[tuple[int, str], ...] = ()
    """Slots that hold a time since the first event, with the name of the field."""
    columns: tuple[tuple[str, tuple[int | None, ...]], ...] = ()
    """Title -> slots of the values that no formatter writes (``Rule.columns``); None: a value that is never there."""

    def __hash__(self) -> int:
        return hash((self.index, self.rule))  # equal templates are rare, and hashing every piece is slow

    @classmethod
    def of(cls, rule: Rule) -> AlertTemplate:
        """The template of the alerts of *rule*; its slots are the places in what ``values(rule)`` reads."""
        slots = {operand: slot for slot, operand in enumerate(_operands(rule))}
        fields = {key: _placeholder(use, slots) for token in rule.output.tokens for key, use in token.fields}
        return cls(
            rule=rule.name,
            priority=rule.priority,
            source=rule.source,
            message=_prepared(rule.output, slots),
            tags=rule.tags,
            fields=tuple(fields.items()),
            extra_fields=tuple(
                (extra.key, _raw(extra.template, slots) if extra.is_raw else _prepared(extra.template, slots))
                for extra in rule.extra_fields
            ),
            index=rule.index,
            nums=tuple(slot for operand, slot in slots.items() if _name(operand) == "evt.num"),
            columns=tuple((title, tuple(map(slots.get, uses))) for title, uses in rule.columns),
            reltimes=tuple((slot, _name(operand)) for operand, slot in slots.items() if _name(operand) in RELTIMES),
        )


def values(rule: Rule) -> Callable[[Any], Values]:
    """The function event → values that the alerts of *rule* carry. Binds every getter once."""
    getters = [_bind(operand) for operand in _operands(rule)]
    return lambda event: tuple([get(event) for get in getters])


def _operands(rule: Rule) -> tuple[Operand, ...]:
    """What an alert of *rule* has to read, each once."""
    operands: list[Operand] = []
    for token in rule.output.tokens:
        operands += (token.operand, *(use for _key, use in token.fields))
    for extra in rule.extra_fields:
        operands += (token.operand for token in extra.template.tokens if not (extra.is_raw and token.key is None))
    for _title, uses in rule.columns:
        operands += uses
    return tuple(dict.fromkeys(operand for operand in operands if _needs_slot(operand)))


def _needs_slot(operand: Operand) -> bool:
    if not isinstance(operand, FieldUse):
        return True
    return is_shown(operand.field) and operand.field.format not in TIME_FORMATS


def _bind(operand: Operand) -> Getter[Any]:
    if isinstance(operand, FieldUse) and operand.field.shown is not None:
        return operand.field.shown(operand.argument)
    return getter(operand)


def _placeholder(operand: Operand, slots: dict[Operand, int], width: int = 0) -> Placeholder:
    shape = Shape.of(operand) if isinstance(operand, FieldUse) else Shape(operand.type, is_list=operand.is_list)
    return Placeholder(slots.get(operand), shape, width)


def _prepared(template: Template, slots: dict[Operand, int]) -> Prepared:
    return tuple(
        _placeholder(piece.operand, slots, piece.width) if isinstance(piece, Token) else piece
        for piece in template.pieces
    )


def _raw(template: Template, slots: dict[Operand, int]) -> Placeholder:
    token = template.tokens[0]
    # upstream: a transformer given as a key has the value null
    return ABSENT if token.key is None else _placeholder(token.operand, slots)


def _name(operand: Operand) -> str:
    return operand.name if isinstance(operand, FieldUse) else ""
