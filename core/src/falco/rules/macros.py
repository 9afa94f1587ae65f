"""Macros: their conditions, and the replacement of their names in other conditions.

A macro sees the macros that were defined before its last change, a rule sees all.  Trees are shared, not
copied: a macro that is used a hundred times is there once, and nothing here recurses on what is nested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from falco.conditions import walk
from falco.conditions.ast import Expr, Identifier, Not
from falco.documents.diagnostics import Diagnostic, Note
from falco.documents.nodes import Span
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Text
from falco.rules.codes import ErrorCode
from falco.rules.collection import CollectedMacro
from falco.rules.faults import Poisoned, RuleFault, Where


@dataclass(frozen=True, slots=True)
class Expanded:
    """A condition with macros put in. ``size``: its comparisons, each as often as it is used; it may be huge."""

    expr: Expr
    size: int


@dataclass(slots=True)
class ResolvedMacro:
    """A macro with its condition."""

    collected: CollectedMacro
    text: Text
    """The condition with lists put in."""
    parsed: Expr
    """The condition with the names of macros in it."""
    lists: tuple[str, ...]
    expanded: Expanded = field(init=False)
    """``parsed`` with macros put in, once ``is_resolved``."""
    is_resolved: bool = False
    is_used: bool = False

    def __post_init__(self) -> None:
        self.expanded = Expanded(self.parsed, 0)

    @property
    def name(self) -> str:
        """The name of the macro."""
        return self.collected.name


@dataclass(slots=True)
class Macros:
    """The macros that have a condition so far, by name; *poisoned* have a fault that was reported."""

    by_name: dict[str, ResolvedMacro] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)
    lists: frozenset[str] = frozenset()

    def resolve(self, macro: ResolvedMacro) -> None:
        """Replace the names of macros in *macro* by those that it sees.

        Raises:
            RuleFault: A name is of no macro that it sees, or leads back to itself.
            Poisoned: A macro that it refers to is poisoned.
        """
        visibility = macro.collected.visibility
        collected = macro.collected
        macro.expanded = self.expand(
            macro.parsed, collected.where, collected.condition, lambda other: other.index < visibility
        )
        macro.is_resolved = True

    def expand(self, expr: Expr, where: Where, text: Text, sees: Callable[[CollectedMacro], bool]) -> Expanded:
        """*expr*, which was *text* before lists were put in, with the conditions of macros for their names.

        The macros are marked as used.

        Raises:
            RuleFault: A name is of no macro that *sees* lets through, or leads back to itself.
            Poisoned: A macro that it refers to is poisoned.
        """
        done: dict[str, Expanded] = {}
        unknown: list[Identifier] = []
        stack: list[tuple[str, Expr, Iterator[Identifier]]] = [("", expr, identifiers(expr))]
        while True:
            name, tree, names = stack[-1]
            reference = next(names, None)
            if reference is None:
                stack.pop()
                if not stack:
                    break
                done[name] = _substituted(tree, done)
            elif reference.name in done:
                continue
            elif any(reference.name == step for step, _, _ in stack):
                raise _loop(reference.name, stack, where, text)
            elif reference.name in self.poisoned:
                raise Poisoned
            elif (macro := self.by_name.get(reference.name)) is None or not sees(macro.collected):
                unknown.append(reference)
                done[reference.name] = Expanded(reference, 1)
            else:
                macro.is_used = True
                if macro.is_resolved:
                    done[reference.name] = macro.expanded
                else:
                    stack.append((reference.name, macro.parsed, identifiers(macro.parsed)))
        if unknown:
            raise RuleFault(*(self._undefined(reference, where, text) for reference in unknown))
        return _substituted(expr, done)

    def trace(self, expr: Expr, text: Text) -> tuple[Note, ...]:
        """How *text*, the condition of a macro, got into *expr*: the uses of macros, the innermost first."""
        seen: set[str] = set()
        pending: list[tuple[Expr, tuple[Note, ...]]] = [(expr, ())]
        for tree, notes in pending:
            for reference in identifiers(tree):
                macro = self.by_name.get(reference.name)
                if macro is None or reference.name in seen:
                    continue
                seen.add(reference.name)
                way = (Note(f"expanded from macro `{reference.name}`", reference.extent), *notes)
                if macro.text is text:
                    return way
                pending.append((macro.parsed, way))
        return ()

    def _undefined(self, reference: Identifier, where: Where, text: Text) -> Diagnostic:
        name = reference.name
        if (macro := self.by_name.get(name)) is not None and isinstance(macro.collected.where.place, Span):
            place = macro.collected.where.place
            hint = f"macro '{name}' is defined after this, {place.file}:{place.start.line + 1}: move it before"
        elif name in self.lists:
            hint = f"'{name}' is a list: write a field and an operator before it, such as 'proc.name in ({name})'"
        else:
            hint = did_you_mean(name, self.by_name)
        message = f"Undefined macro '{name}' used in filter."
        part = where.within(reference.extent, text)
        (diagnostic,) = part.error(ErrorCode.LOAD_ERR_VALIDATE, message, hint=hint).diagnostics
        return diagnostic


def identifiers(expr: Expr) -> Iterator[Identifier]:
    """Names of macros in *expr*, left to right."""
    return (leaf for leaf in walk.leaves(expr) if isinstance(leaf, Identifier))


def _loop(name: str, stack: list[tuple[str, Expr, Iterator[Identifier]]], where: Where, text: Text) -> RuleFault:
    """The error for the macro *name*, which leads back to itself, at the use that leads there."""
    steps = [step for step, _, _ in stack[1:]]
    outermost = stack[0][1]
    reference = next(identifier for identifier in identifiers(outermost) if identifier.name == (steps or [name])[0])
    part = where.within(reference.extent, text)
    hint = f"the macros are used as {' -> '.join([*steps, name])}"
    return part.error(ErrorCode.LOAD_ERR_VALIDATE, f"reference loop in macro '{name}'", hint=hint)


def _substituted(expr: Expr, macros: Mapping[str, Expanded]) -> Expanded:
    """*expr* with the trees *macros* for their names."""

    def leaf(node: walk.Leaf) -> Expr:
        return macros[node.name].expr if isinstance(node, Identifier) else node

    def join(node: walk.Joint, children: list[Expr]) -> Expr:
        return replace(node, child=children[0]) if isinstance(node, Not) else replace(node, children=tuple(children))

    size = sum(macros[node.name].size if isinstance(node, Identifier) else 1 for node in walk.leaves(expr))
    return Expanded(walk.fold(expr, leaf, join), size)
