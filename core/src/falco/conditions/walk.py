"""Passes over conditions of any depth: children first, left to right, on a stack of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from falco.conditions.ast import (
    And,
    Comparison,
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

T = TypeVar("T")
Leaf: TypeAlias = Identifier | Exists | Comparison
Joint: TypeAlias = Not | And | Or


@dataclass(slots=True)
class _Frame(Generic[T]):
    """A joint whose children are being folded."""

    joint: Joint
    children: Iterator[Expr]
    results: list[T] = field(default_factory=list)


def fold(expr: Expr, leaf: Callable[[Leaf], T], join: Callable[[Joint, list[T]], T]) -> T:
    """The result of *join* for the outermost node, given the results for its children; *leaf* makes the first ones."""
    frames: list[_Frame[T]] = []
    node = expr
    while True:
        if isinstance(node, Not | And | Or):
            children = iter((node.child,) if isinstance(node, Not) else node.children)
            frames.append(_Frame(node, children))
            node = next(children)
            continue
        result = leaf(node)
        while frames:
            frame = frames[-1]
            frame.results.append(result)
            following = next(frame.children, None)
            if following is not None:
                node = following
                break
            frames.pop()
            result = join(frame.joint, frame.results)
        else:
            return result


def leaves(expr: Expr) -> Iterator[Leaf]:
    """Checks and macro references, left to right."""
    pending: list[Expr] = [expr]
    while pending:
        match pending.pop():
            case Not(child=child):
                pending.append(child)
            case And(children=children) | Or(children=children):
                pending += reversed(children)
            case leaf:
                yield leaf


def operands(leaf: Leaf) -> Iterator[Operand]:
    """The operands of a check and what they contain, left to right, outer ones first."""
    if isinstance(leaf, Identifier):
        return
    yield from within(leaf.left)
    if isinstance(leaf, Comparison) and not isinstance(leaf.right, Identifier):
        yield from within(leaf.right)


def within(operand: Operand) -> Iterator[Operand]:
    """*operand* and what it contains, left to right, outer ones first."""
    pending = [operand]
    while pending:
        inner = pending.pop()
        yield inner
        match inner:
            case TransformerCall(arguments=items) | ListLiteral(items=items):
                pending += reversed(items)


def fold_operand(
    operand: Operand,
    leaf: Callable[[FieldName | Literal], T],
    join: Callable[[TransformerCall | ListLiteral, list[T]], T],
) -> T:
    """The result of *join* for *operand*, given the results for what it contains; *leaf* makes the first ones."""
    frames: list[tuple[TransformerCall | ListLiteral, Iterator[Operand], list[T]]] = []
    node: Operand | None = operand
    while True:
        if isinstance(node, TransformerCall | ListLiteral):
            items = node.arguments if isinstance(node, TransformerCall) else node.items
            iterator = iter(items)
            frames.append((node, iterator, []))
            node = next(iterator, None)
            if node is not None:
                continue
            result = join(frames.pop()[0], [])
        else:
            assert node is not None  # noqa: S101  an empty list is handled above
            result = leaf(node)
        while frames:
            outer, iterator, results = frames[-1]
            results.append(result)
            node = next(iterator, None)
            if node is not None:
                break
            frames.pop()
            result = join(outer, results)
        else:
            return result
