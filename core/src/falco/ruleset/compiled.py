"""The rules of one event source, compiled: what sources and decoders ask, and what turns a match into an alert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from falco.alerts import Alert, AlertTemplate, values
from falco.conditions.checked import FALSE, TRUE, Check, Condition
from falco.events import Envelope
from falco.fields.evt import POSITIONS
from falco.fields.model import FieldUse
from falco.ruleset.bindings import Bindings
from falco.ruleset.codegen import Function
from falco.ruleset.specialise import (
    Decide,
    checks,
    disjunction,
    fold,
    operands,
    rebuild,
    signature,
    signed,
    uses,
    weaken,
)
from falco.ruleset.table import Masks, Table, is_on

if TYPE_CHECKING:
    from falco.conditions.checked import Operand
    from falco.rules.model import Rule
    from falco.ruleset.types import DispatchField, Key, Residual

E = TypeVar("E", bound=Envelope)
Class: TypeAlias = tuple[int, ...]
"""One mask a dispatch field, in their order."""
Left: TypeAlias = tuple[tuple[int, Condition], ...]
"""The rules that may still match: position in the ruleset and what is left of the condition."""


class CompiledRule(Generic[E]):
    """A rule that can turn a matching event into an alert."""

    __slots__ = ("_values", "rule", "template")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.template = AlertTemplate.of(rule)
        self._values = values(rule)

    def alert(self, event: E) -> Alert:
        """The alert, with every output field read now: the event is not valid later."""
        return Alert(self.template, event.num, event.time_ns, self._values(event))

    def __repr__(self) -> str:
        return f"CompiledRule({self.rule.name!r})"


class _Classes(dict[Class, "Residual[E] | None"], Generic[E]):
    """The residual of a class. Full at ``CAPACITY``: then a new class is decided by all rules, never wrongly."""

    CAPACITY: Final = 2_048

    def __init__(self, make: Callable[[Class], Residual[E] | None], full: Callable[[], Residual[E]]) -> None:
        super().__init__()
        self._make, self._full = make, full
        self.overflows = 0
        """How often there was no room for a class."""

    def __missing__(self, key: Class) -> Residual[E] | None:
        if len(self) >= self.CAPACITY:
            self.overflows += 1
            return self._full()
        residual = self[key] = self._make(key)
        return residual


def nothing_assumed(check: Check) -> bool | None:  # noqa: ARG001  the signature of Decoder.assume
    """No check is true for every event."""
    return None


class Ruleset(Generic[E]):
    """Rules of one event source, compiled as events ask for them.

    Immutable to its users; its memos only grow, up to their caps, and may be shared by threads.  Holds nothing global
    and is not pickled: another process builds its own from the same rule files.

    Args:
        rules: In order of evaluation; those that are not enabled are left out.
        dispatch: ``Decoder.dispatch`` of the event source.
        assume: ``Decoder.assume`` of the event source.
        first_only: ``rule_matching: first``: an event yields the first rule that matches, not all.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        dispatch: Sequence[DispatchField] = (),
        assume: Decide = nothing_assumed,
        first_only: bool,
    ) -> None:
        self.rules: tuple[Rule, ...] = tuple(rule for rule in rules if rule.enabled)
        self.first_only = first_only
        self.residuals_built = 0
        self._is_noticed = False
        self._bindings: Bindings[E] = Bindings()
        self._compiled: tuple[CompiledRule[E], ...] = tuple(map(CompiledRule, self.rules))

        same: dict[Check, Check] = {}

        def shared(check: Check, is_positive: bool) -> Condition:  # noqa: FBT001  the signature of Literal
            return signed(same.setdefault(check, check), is_positive)

        self._conditions: Left = tuple((i, rebuild(rule.condition, shared)) for i, rule in enumerate(self.rules))
        self.checks: tuple[Check, ...] = tuple(same)
        """The distinct checks of all rules, for decoders that test raw bytes first."""

        # Equal checks are now one object, so that its identity stands for it: hashing a check costs more than a step
        # of folding.
        assumed = {id(check): truth for check in self.checks if (truth := assume(check)) is not None}
        self._masks = tuple(Masks([c for c in self.checks if is_on(c, field)], self._bindings) for field in dispatch)
        self._assumed: Left = self._reduce(self._conditions, lambda check: assumed.get(id(check)))
        self._left: dict[Class, Left] = {(): self._assumed}
        self._by_signature: dict[Any, Residual[E]] = {}
        self._classes: _Classes[E] = _Classes(self._specialised, lambda: self.everything)
        self.table: Table[E] = Table(self.residual)
        """``table[key]``: like ``residual``, remembered by key."""

    @cached_property
    def everything(self) -> Residual[E]:
        """Decides any event: nothing known, nothing assumed."""
        return self._generate(self._reduce(self._conditions, nothing_assumed))

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """Rules that ask where an event stands among all events of the source, other than to print just that.

        Their answer takes all events before: whoever scans a part of an input cannot give it.
        """
        found: list[str] = []
        for position, condition in self._assumed:
            rule = self.rules[position]
            asked = [operand for check in checks(condition) for operand in operands(check)]
            for template in (rule.output, *[extra.template for extra in rule.extra_fields]):
                asked += [token.operand for token in template.tokens if not isinstance(token.operand, FieldUse)]
            if any(use.name in POSITIONS for operand in asked for use in uses(operand)):
                found.append(rule.name)
        return tuple(found)

    @property
    def undispatched(self) -> int:
        """How often a key was decided by all rules, because the rules tell too many kinds of keys apart."""
        return self._classes.overflows

    def notice(self) -> str:
        """A sentence about ``undispatched`` for the log, the first time that there is reason; "" else."""
        if self._is_noticed or not self._classes.overflows:
            return ""
        self._is_noticed = True
        return (
            f"rules tell more than {self._classes.CAPACITY} kinds of events apart by the fields they are dispatched "
            "on: further ones are decided by all rules, which is slower"
        )

    @property
    def dispatch_misses(self) -> int:
        """How often a key was not in ``table``."""
        return self.table.misses

    def residual(self, key: Key) -> Residual[E] | None:
        """What is left of the rules for events with *key*; None = no rule can match. ``UNKNOWN`` decides nothing."""
        return self._classes[self._class(self._masks, key)]

    def narrowed(self, first: Key) -> Callable[[Key], Residual[E] | None]:
        """``residual`` for keys that begin with *first*, as a function of the rest of the key.

        For keys whose rest has too many values for ``table``, such as file names.
        """
        begun, masks, classes = self._class(self._masks[: len(first)], first), self._masks[len(first) :], self._classes

        def rest(key: Key) -> Residual[E] | None:
            return classes[begun + tuple([mask[part] for mask, part in zip(masks, key, strict=True)])]

        return rest

    def needs(self, key: Key) -> frozenset[str]:
        """Fields (``name`` or ``name[argument]``) that the rules left for *key* may read, outputs included."""
        found: list[Operand] = []
        for position, condition in self._rules_left(self._class(self._masks, key)):
            found += [operand for check in checks(condition) for operand in operands(check)]
            rule = self.rules[position]
            for template in (rule.output, *[extra.template for extra in rule.extra_fields]):
                found += [token.operand for token in template.tokens]
            for _title, columns in rule.columns:
                found += columns
        return frozenset(use.text for operand in found for use in uses(operand))

    def approximate(self, decidable: Callable[[Check], bool]) -> Condition:
        """A condition over decidable checks only that holds whenever a rule matches: a filter at the origin.

        It relies on what the decoder assumes. ``Not`` stands before checks only; where a check turns out to be
        undecidable for one event, take it as true in either polarity.
        """
        return disjunction(weaken(condition, decidable) for _, condition in self._assumed)

    def warm(self, old: Ruleset[Any]) -> None:
        """Make what *old* had made for its keys, so that a reload costs no event anything."""
        for key in list(old.table):
            self.table[key]

    @staticmethod
    def _class(masks: Sequence[Masks], key: Key) -> Class:
        return tuple([mask[part] for mask, part in zip(masks, key, strict=True)])

    def _specialised(self, masks: Class) -> Residual[E] | None:
        left = self._rules_left(masks)
        return self._generate(left) if left else None

    def _rules_left(self, masks: Class) -> Left:
        """The rules left for a class, found field by field: classes that begin alike share the work."""
        known = len(masks)
        while masks[:known] not in self._left:
            known -= 1
        left = self._left[masks[:known]]
        for i in range(known, len(masks)):
            left = self._left[masks[: i + 1]] = self._reduce(left, partial(self._masks[i].truth, mask=masks[i]))
        return left

    def _reduce(self, left: Left, decide: Decide) -> Left:
        kept: list[tuple[int, Condition]] = []
        for position, condition in left:
            folded = fold(condition, decide)
            if folded is FALSE:
                continue
            kept.append((position, folded))
            if folded is TRUE and self.first_only:
                break  # no later rule is reached
        return tuple(kept)

    def _generate(self, left: Left) -> Residual[E]:
        key = tuple([(position, signature(condition)) for position, condition in left])
        residual = self._by_signature.get(key)
        if residual is None:
            rules = [(self._compiled[position], self.rules[position].name, condition) for position, condition in left]
            residual = Function(rules, self._bindings, first_only=self.first_only).compile()
            self._by_signature[key] = residual
            self.residuals_built += 1
        return residual
