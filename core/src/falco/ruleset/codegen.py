"""From rules to one Python function that decides an event.

The function reads each operand at most once and only when a check is reached that needs it.  Nothing of rules or
events becomes source text: getters, literals and rules are bound by name; a rule's name stands in a comment, escaped.
Made by ``ruleset.compiled``, one function for each distinct set of folded rules::

    def residual(e):
        if (v0 := g0(e)) in c0:  # 'Secret read'
            return r0
        if v0 is not None and v0.startswith(c1):  # 'System account'
            return r1
        return ()
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from falco.conditions.checked import And, Check, Condition, Const, Modifier, Not, Operand, Operator, Or
from falco.fields.model import FieldUse, Quantifier
from falco.fields.text import printable
from falco.ruleset.bindings import Bindings
from falco.ruleset.specialise import checks, operands

E = TypeVar("E")
Hit = TypeVar("Hit")

_UNREAD: Final = object()
_DEEPEST: Final = 50
"""Levels of parentheses after which a part becomes a function of its own: CPython refuses 200."""
_PLAIN: Final = frozenset({str, int, bool, float})
_COMPARISONS: Final = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


def inline(check: Check) -> tuple[str, Any] | None:
    """An expression that decides *check* faster than a call: ``V`` is the value, ``C`` the constant; None = call.

    An absent value, which is None, makes each expression false.
    """
    left, operator, literals = check.left, check.operator, check.right
    if not isinstance(literals, tuple) or (isinstance(left, FieldUse) and left.field.quantifier is not Quantifier.ONE):
        return None
    if operator is Operator.EXISTS:
        return "V is not None", None
    kinds = set(map(type, literals))
    if not kinds <= _PLAIN:
        return None
    is_member = operator in {Operator.IN, Operator.INTERSECTS}
    if left.is_list:
        test = "C.issuperset(V)" if operator is Operator.IN else "not C.isdisjoint(V)"
        return (f"V is not None and {test}", frozenset(literals)) if is_member and check.modifier is None else None
    if (is_member and check.modifier is None) or (operator is Operator.EQ and check.modifier is Modifier.ANYOF):
        return "V in C", frozenset(literals)
    if operator in {Operator.STARTSWITH, Operator.ENDSWITH} and is_whole_text(check):
        if check.modifier not in {None, Modifier.ANYOF}:
            return None
        return f"V is not None and V.{operator.value}(C)", literals if check.modifier else literals[0]
    if check.modifier is not None:
        return None
    if operator is Operator.EQ:
        return "V == C", literals[0]
    if operator is Operator.NE:
        return "V is not None and V != C", literals[0]
    if operator is Operator.CONTAINS and is_whole_text(check):
        return "V is not None and C in V", literals[0]
    if operator in _COMPARISONS and kinds <= {int, float}:
        return f"V is not None and V {operator.value} C", literals[0]
    return None


def is_whole_text(check: Check) -> bool:
    """Whether the literals are whole characters; other bytes may be part of one, where ``str`` does not look."""
    literals = check.right
    return isinstance(literals, tuple) and all(isinstance(text, str) and printable(text) == text for text in literals)


class _Joint:
    """An And or Or whose children are still being written."""

    __slots__ = ("children", "depth", "parts", "read", "word")

    def __init__(self, node: And | Or) -> None:
        self.children: Iterator[Condition] = iter(node.children)
        self.word = " and " if isinstance(node, And) else " or "
        self.parts: list[str] = []
        self.depth = 0
        self.read: int | None = None
        """Length of the trail after the first child: what that child reads is read whenever the joint is reached."""


class Function(Generic[E, Hit]):
    """Source text and name space of a residual.

    Args:
        rules: For each rule what its match yields, its name, and its condition in the form that ``rebuild`` makes; in
            order of evaluation.
        bindings: Getters and predicates, shared by all functions of a ruleset.
        first_only: Whether the first rule that matches is the only one.
    """

    def __init__(self, rules: Sequence[tuple[Hit, str, Condition]], bindings: Bindings[E], *, first_only: bool) -> None:
        self._bindings = bindings
        self._names: dict[str, Any] = {"U": _UNREAD}
        self._uses = Counter(o for _, _, condition in rules for check in checks(condition) for o in operands(check))
        self._numbers: dict[Operand, int] = {}
        # Which values are surely read where the text is being written, as a trail to go back on; and which may be.
        self._trail: list[int] = []
        self._read: set[int] = set()
        self._met: set[int] = set()
        self._unsure: set[int] = set()
        self._parts: list[str] = []

        body: list[str] = []
        for number, (hit, name, condition) in enumerate(rules):
            self._names[f"r{number}"] = (hit,)
            then = f"return r{number}" if first_only else f"hits += r{number}"
            body += [f"    if {self._write(condition)}:  # {name!a}", f"        {then}"]
        self.source = "\n".join([*self._head(is_collecting=not first_only), *body, self._last(first_only), ""])

    def compile(self) -> Callable[[E], tuple[Hit, ...]]:
        """The function."""
        exec(compile(self.source, "<residual>", "exec"), self._names)  # noqa: S102  no text of rules or events in it
        return cast("Callable[[E], tuple[Hit, ...]]", self._names["residual"])

    def _head(self, *, is_collecting: bool) -> list[str]:
        kept = self._met if self._parts else self._unsure
        names = [f"v{number}" for number in sorted(kept)]
        head = ["def residual(e):"]
        if names:
            head.append(f"    {' = '.join(names)} = U")
        for number, part in enumerate(self._parts):
            head.append(f"    def d{number}():")
            if names:
                head.append(f"        nonlocal {', '.join(names)}")
            head.append(f"        return {part}")
        if is_collecting:
            head.append("    hits = ()")
        return head

    @staticmethod
    def _last(first_only: bool) -> str:  # noqa: FBT001  private, one caller
        return "    return ()" if first_only else "    return hits"

    def _write(self, condition: Condition) -> str:
        """The expression of *condition*; its reads are marked as it is written, which is the order of evaluation."""
        open_: list[_Joint] = []
        node = condition
        while True:
            text: str | None = None
            match node:
                case Check():
                    text = f"({self._check(node)})"
                case Not(Check() as check):
                    text = f"(not ({self._check(check)}))"
                case Const(value):
                    text = str(value)
                case And() | Or():
                    open_.append(_Joint(node))
                case Not():
                    raise AssertionError("negation stands before checks only")
            depth = 0
            while open_:
                joint = open_[-1]
                if text is not None:
                    joint.parts.append(text)
                    joint.depth = max(joint.depth, depth)
                    if joint.read is None:
                        joint.read = len(self._trail)
                if (child := next(joint.children, None)) is not None:
                    node = child
                    break
                open_.pop()
                self._forget(joint.read)
                text, depth = self._joined(joint)
            else:
                assert text is not None  # noqa: S101  a joint was opened otherwise
                return text

    def _joined(self, joint: _Joint) -> tuple[str, int]:
        text, depth = f"({joint.word.join(joint.parts)})", joint.depth + 1
        if depth < _DEEPEST:
            return text, depth
        self._parts.append(text)
        return f"d{len(self._parts) - 1}()", 0

    def _forget(self, length: int | None) -> None:
        """Take back what later children read: they may not have been reached."""
        while length is not None and len(self._trail) > length:
            self._read.discard(self._trail.pop())

    def _check(self, check: Check) -> str:
        value, again = self._value(check.left)
        if not isinstance(check.right, tuple):
            before = len(self._trail)
            other, other_again = self._value(check.right)
            self._forget(before)  # the right side is read only if the left one is there
            test = self._bind("p", self._bindings.comparison(check))
            left = value if again else f"(t := {value})"
            right = other if other_again else f"(u := {other})"
            return f"{left} is not None and {right} is not None and {test}({again or 't'}, {other_again or 'u'})"
        form = inline(check)
        if form is None:
            form = "V is not None and C(V)", self._bindings.predicate(check)
        pattern, constant = form
        if "C" in pattern:
            pattern = pattern.replace("C", self._bind("c", constant))
        if pattern.count("V") > 1 and not again:
            value, again = f"(t := {value})", "t"
        return pattern.replace("V", value, 1).replace("V", again)

    def _value(self, operand: Operand) -> tuple[str, str]:
        """The expression that reads *operand*, and the name to read it again by: "" if it is not kept."""
        number = self._numbers.get(operand)
        if number is None:
            number = self._numbers[operand] = len(self._numbers)
            self._names[f"g{number}"] = self._bindings.getter(operand)
        if self._uses[operand] == 1:
            return f"g{number}(e)", ""
        name = f"v{number}"
        if number in self._read:
            return name, name
        self._read.add(number)
        self._trail.append(number)
        if number not in self._met:
            self._met.add(number)
            return f"({name} := g{number}(e))", name
        self._unsure.add(number)
        return f"({name} if {name} is not U else ({name} := g{number}(e)))", name

    def _bind(self, kind: str, value: object) -> str:
        name = f"{kind}{len(self._names)}"
        self._names[name] = value
        return name
