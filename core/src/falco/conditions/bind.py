"""From checked operands to functions of the event; done once, when rules and outputs are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from falco.conditions import operators
from falco.conditions.checked import Check, Constant, Operand, Operator, Transformed
from falco.conditions.transformers import Shape
from falco.fields.model import FieldUse, Getter, Value


def getter(operand: Operand) -> Getter[Any]:
    """Reads the value of *operand* from an event; None = absent, which is what anything absent inside makes it."""
    pending = [operand]
    order: list[Operand] = []
    while pending:
        node = pending.pop()
        order.append(node)
        if isinstance(node, Transformed):
            pending += node.arguments
    made: list[Getter[Any]] = []
    for node in reversed(order):
        if isinstance(node, Transformed):
            count = len(node.arguments)
            inner = made[len(made) - count :]
            del made[len(made) - count :]
            made.append(_applied(node, inner))
        else:
            made.append(_read(node))
    return made[0]


def test(check: Check) -> Callable[[Any], bool]:
    """Whether an event satisfies *check*; something absent on either side never does."""
    left = getter(check.left)
    if check.operator is Operator.EXISTS:
        return lambda event: left(event) is not None
    if isinstance(check.right, tuple):
        decide = operators.predicate(check)
        return lambda event: (value := left(event)) is not None and decide(value)
    right = getter(check.right)
    compare = operators.comparison(check)
    return lambda event: (
        (value := left(event)) is not None and (other := right(event)) is not None and compare(value, other)
    )


def _read(operand: FieldUse | Constant) -> Getter[Any]:
    match operand:
        case FieldUse():
            return operand.field.bind(operand.argument)
        case Constant():
            value: Any = list(operand.value) if isinstance(operand.value, tuple) else operand.value
            return lambda _event: value
        case _:
            assert_never(operand)


def _applied(operand: Transformed, inner: list[Getter[Any]]) -> Getter[Any]:
    shapes = [Shape(argument.type, argument.is_list) for argument in operand.arguments]
    function = operand.definition.bind(shapes, operand.argument)
    if len(inner) == 1:
        only = inner[0]
        return lambda event: None if (value := only(event)) is None else function(value)

    def apply(event: Any) -> Value | None:
        values = []
        for read in inner:
            if (value := read(event)) is None:
                return None
            values.append(value)
        return function(*values)

    return apply
