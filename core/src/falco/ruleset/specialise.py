"""Partial evaluation: what is left of a condition when some of its checks are decided.

``fold`` puts the truth in place of decided checks and keeps the rest; ``weaken`` gives up the checks that cannot be
decided here and keeps a condition that is true whenever the original is.  Both are one walk that pushes negation down
to the checks and differ only in what they put in place of a check.  Absence needs no third value: a check on an absent
field is false, and its negation true.

No function here recurses: a rule file may nest as deep as the parser allows, and macros deeper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, assert_never

from falco.conditions.checked import FALSE, TRUE, And, Check, Condition, Const, Not, Operand, Or, Transformed
from falco.fields.model import FieldUse

Decide: TypeAlias = Callable[[Check], bool | None]
"""Truth of a check; None = depends on the event."""
Literal: TypeAlias = Callable[[Check, bool], Condition]
"""What stands in place of a check; the second argument is False where the check is negated."""
Signature: TypeAlias = tuple[int | str, ...]


class _Joint:
    """An And or Or whose children are still being rebuilt; it is left early when one child decides it."""

    __slots__ = ("children", "is_and", "is_positive", "kept")

    def __init__(self, node: And | Or, *, is_positive: bool) -> None:
        self.children: Iterator[Condition] = iter(node.children)
        self.is_positive = is_positive
        self.is_and = isinstance(node, And) is is_positive
        self.kept: list[Condition] = []

    def decides(self, part: Condition) -> bool:
        """Take a child; whether it settles the whole (false in an And, true in an Or)."""
        if isinstance(part, Const):
            return part.value is not self.is_and
        if isinstance(part, And if self.is_and else Or):
            self.kept.extend(part.children)
        else:
            self.kept.append(part)
        return False

    def whole(self) -> Condition:
        """The node of what was kept."""
        if not self.kept:
            return TRUE if self.is_and else FALSE
        if len(self.kept) == 1:
            return self.kept[0]
        return And(tuple(self.kept)) if self.is_and else Or(tuple(self.kept))


def rebuild(condition: Condition, literal: Literal) -> Condition:
    """*condition* in negation normal form with *literal* in place of its checks, simplified.

    In the result ``Not`` stands before checks only, neighbouring And (Or) are one, and constants are gone unless the
    whole is one. The order of checks is kept, so that what is evaluated first stays first.
    """
    open_: list[_Joint] = []
    node, is_positive = condition, True
    while True:
        while isinstance(node, Not):
            node, is_positive = node.child, not is_positive
        done: Condition | None
        if isinstance(node, Check):
            done = literal(node, is_positive)
        elif isinstance(node, Const):
            done = TRUE if node.value is is_positive else FALSE
        else:
            open_.append(_Joint(node, is_positive=is_positive))
            done = None
        while open_:
            joint = open_[-1]
            if done is not None and joint.decides(done):
                open_.pop()
                done = FALSE if joint.is_and else TRUE
                continue
            if (child := next(joint.children, None)) is not None:
                node, is_positive = child, joint.is_positive
                break
            open_.pop()
            done = joint.whole()
        else:
            assert done is not None  # noqa: S101  a joint was opened otherwise
            return done


def disjunction(parts: Iterable[Condition]) -> Condition:
    """One of *parts*, simplified; the parts are in the form that ``rebuild`` makes."""
    joint = _Joint(Or(tuple(parts)), is_positive=True)
    return TRUE if any(map(joint.decides, joint.children)) else joint.whole()


def signed(check: Check, is_positive: bool) -> Condition:  # noqa: FBT001  the signature of Literal
    """The check, or its negation."""
    return check if is_positive else Not(check)


def fold(condition: Condition, decide: Decide) -> Condition:
    """What is left of *condition* for events on which *decide* tells the truth: equal to it on all of them."""

    def literal(check: Check, is_positive: bool) -> Condition:  # noqa: FBT001  the signature of Literal
        truth = decide(check)
        if truth is None:
            return signed(check, is_positive)
        return TRUE if truth is is_positive else FALSE

    return rebuild(condition, literal)


def weaken(condition: Condition, decidable: Callable[[Check], bool]) -> Condition:
    """The strongest consequence of *condition* that uses decidable checks only.

    A check that cannot be decided may hold, and so may its negation: both become true.
    """

    def literal(check: Check, is_positive: bool) -> Condition:  # noqa: FBT001  the signature of Literal
        return signed(check, is_positive) if decidable(check) else TRUE

    return rebuild(condition, literal)


def checks(condition: Condition) -> Iterator[Check]:
    """The checks of *condition* in order of evaluation, repeats included."""
    waiting: list[Condition] = [condition]
    while waiting:
        match waiting.pop():
            case Check() as check:
                yield check
            case Not(child):
                waiting.append(child)
            case And(children) | Or(children):
                waiting.extend(reversed(children))
            case Const():
                pass
            case other:
                assert_never(other)


def uses(operand: Operand) -> Iterator[FieldUse]:
    """The fields that *operand* reads, in order, repeats included."""
    waiting: list[Operand] = [operand]
    while waiting:
        item = waiting.pop()
        if isinstance(item, FieldUse):
            yield item
        elif isinstance(item, Transformed):
            waiting.extend(reversed(item.arguments))


def operands(check: Check) -> tuple[Operand, ...]:
    """What *check* reads: its left side, and its right side unless that is literals."""
    return (check.left,) if isinstance(check.right, tuple) else (check.left, check.right)


def signature(condition: Condition) -> Signature:
    """A flat value that is equal for equal conditions built from the same check objects.

    Flat, because hashing or comparing the nodes themselves would recurse.  Prefix notation: the identity of a check,
    or a word and the number of children.  Valid while the check objects live.
    """
    found: list[int | str] = []
    waiting: list[Condition] = [condition]
    while waiting:
        match waiting.pop():
            case Check() as check:
                found.append(id(check))
            case Const(value):
                found.append(str(value))
            case Not(child):
                found.append("not")
                waiting.append(child)
            case And(children) | Or(children) as joint:
                found += ("and" if isinstance(joint, And) else "or", len(children))
                waiting.extend(reversed(children))
            case other:
                assert_never(other)
    return tuple(found)
