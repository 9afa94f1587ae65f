"""Conditions as text, the way Falco prints compiled conditions (``-L``)."""

from __future__ import annotations

from falco.conditions import walk
from falco.conditions.ast import (
    Exists,
    Expr,
    FieldName,
    Identifier,
    ListLiteral,
    Literal,
    Not,
    Operand,
    Or,
    TransformerCall,
)
from falco.conditions.escaping import escape


def to_text(expr: Expr) -> str:
    """The condition *expr*, with every group in parentheses."""
    return walk.fold(expr, _leaf, _join)


def operand_text(operand: Operand) -> str:
    """One operand; inside of a transformer the commas have no blank behind them."""
    return walk.fold_operand(operand, _name_or_value, _call_or_list)


def _leaf(leaf: walk.Leaf) -> str:
    match leaf:
        case Identifier(name=name):
            return name
        case Exists(left=left):
            return f"{operand_text(left)} exists"
        case _:
            return f"{operand_text(leaf.left)} {leaf.operator} {_right(leaf.right)}"


def _join(joint: walk.Joint, children: list[str]) -> str:
    if isinstance(joint, Not):
        return f"not {children[0]}"
    return f"({(' or ' if isinstance(joint, Or) else ' and ').join(children)})"


def _right(right: Operand | Identifier) -> str:
    match right:
        case Identifier(name=name):
            return name
        case ListLiteral(items=items):
            return f"({', '.join(map(operand_text, items))})"
        case _:
            return operand_text(right)


def _name_or_value(operand: FieldName | Literal) -> str:
    return escape(operand.text) if isinstance(operand, Literal) else operand.name + _brackets(operand.argument)


def _call_or_list(operand: TransformerCall | ListLiteral, items: list[str]) -> str:
    inside = f"({','.join(items)})"
    return inside if isinstance(operand, ListLiteral) else operand.name + inside + _brackets(operand.argument)


def _brackets(argument: str | None) -> str:
    if argument is None:
        return ""
    return f"[{escape(argument)}]" if argument else '[""]'
