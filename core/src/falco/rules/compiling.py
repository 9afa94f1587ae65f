"""Compiles what was collected: lists, then macros, then rules, as Falco does at every load.

Every item is tried; one with a fault is poisoned, and what refers to it is left out without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from falco.conditions import check, parser, warnings
from falco.conditions.ast import Comparison, Exists, Expr
from falco.conditions.checked import Condition
from falco.conditions.errors import MAX_FURTHER, ConditionError
from falco.conditions.scope import Scope
from falco.documents.diagnostics import Diagnostic, Note, Place
from falco.documents.text import Extent, Text
from falco.rules import exceptions
from falco.rules.additions import Addition
from falco.rules.codes import ErrorCode, WarningCode
from falco.rules.collection import CollectedMacro, CollectedRule, Collection
from falco.rules.faults import Poisoned, RuleFault, Where
from falco.rules.items import RuleDefinition
from falco.rules.lists import ListNames, ResolvedList, resolve, substitute
from falco.rules.macros import Expanded, Macros, ResolvedMacro, identifiers
from falco.rules.model import ExtraField, Rule
from falco.templates import parse as templates
from falco.templates.model import Template

T = TypeVar("T")
MAX_CHECKS: Final = 100_000
"""Comparisons of one condition with its macros put in."""
_OUTPUT: Final = ErrorCode.LOAD_ERR_COMPILE_OUTPUT
_CONTAINER_INFO: Final = "%container.info"
_FIELD: Final = re.compile(r"%[0-9]*([a-z_]+(?:\.[a-z_]+)+)")
_UNKNOWN: Final = ("nonexistent field", "invalid formatting token", "unknown event type", "unknown filter:")
"""upstream: what an error must say for ``skip-if-unknown-filter`` to apply."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, and how it came to be."""

    rule: Rule
    collected: CollectedRule
    parsed: Expr
    """The condition with exceptions and lists put in, and the names of macros in it."""
    expr: Expr
    """The condition with macros put in."""
    output: Text
    """The output with additions, as it was parsed."""
    extra_formats: dict[str, str | None]
    """The formats of the keys that additions bring; None: the key is itself a field."""
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A condition on its way: as *written* (exceptions spelled out), as *text* (lists put in), and *parsed*."""

    where: Where
    written: Text
    text: Text
    parsed: Expr
    lists: tuple[str, ...]


@dataclass(slots=True)
class Compiled:
    """The outcome. ``errors`` and ``warnings`` are in Falco's order; ``until_error``: warnings before the first one."""

    lists: dict[str, ResolvedList] = field(default_factory=dict)
    macros: dict[str, ResolvedMacro] = field(default_factory=dict)
    rules: list[CompiledRule] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    until_error: int | None = None


@dataclass(slots=True)
class Compiler:
    """Compiles one collection."""

    collection: Collection
    additions: Sequence[Addition] = ()
    _done: Compiled = field(default_factory=Compiled)
    _names: ListNames = field(init=False)
    _macros: Macros = field(init=False)

    def compile(self) -> Compiled:
        """Everything that can be compiled, and what is wrong with the rest."""
        poisoned = self.collection.poisoned
        self._macros = Macros(
            {}, {name for kind, name in poisoned if kind == "macro"}, frozenset(self.collection.lists)
        )
        self._lists()
        self._names = ListNames(self.collection.lists)
        for macro in self.collection.macros.values():
            self._try("macro", macro.name, partial(self._parse_macro, macro))
        for name, resolved in self._macros.by_name.items():
            self._try("macro", name, partial(self._resolve_macro, resolved))
        self._done.macros = {
            name: macro for name, macro in self._macros.by_name.items() if name not in self._macros.poisoned
        }
        for rule in self.collection.rules.values():
            self._try("rule", rule.definition.name, partial(self._rule, rule))
        doubtful = self.collection.doubtful
        self._done.rules = [one for one in self._done.rules if one.rule.name not in doubtful]
        if not self._done.errors and not poisoned and not doubtful:
            self._warn_of_unused()
        return self._done

    def _try(self, kind: str, name: str, action: Callable[[], None]) -> None:
        """Run *action* for an item; a fault is recorded and poisons it."""
        if (kind, name) in self.collection.poisoned:
            return
        try:
            action()
        except RuleFault as fault:
            self._stop()
            self._done.errors += fault.diagnostics
        except Poisoned:
            pass
        else:
            return
        if kind == "macro":
            self._macros.poisoned.add(name)

    def _lists(self) -> None:
        try:
            self._done.lists = resolve(self.collection.lists)
        except RuleFault as fault:
            self._done.until_error = 0
            self._done.errors += fault.diagnostics

    def _parse_macro(self, macro: CollectedMacro) -> None:
        where = macro.where.into("macro condition", "", macro.condition_span)
        source = self._source(macro.condition, where)
        self._macros.by_name[macro.name] = ResolvedMacro(macro, source.text, source.parsed, source.lists)

    def _resolve_macro(self, macro: ResolvedMacro) -> None:
        self._macros.resolve(macro)
        collected = macro.collected
        where = collected.where.into("macro condition", "", collected.condition_span)
        _check_size(macro.expanded.size, where)

    def _source(self, written: Text, where: Where, scope: Scope | None = None) -> _Source:
        """A condition as it was *written*, parsed.

        Of one that cannot be, what is wrong in the checks before the fault is told too, if they are of a *scope*.

        Raises:
            RuleFault: It is no condition, or too long with lists put in.
            Poisoned: It may refer to a list with a fault.
        """
        poisoned = {name for kind, name in self.collection.poisoned if kind == "list"}
        if poisoned and ListNames(poisoned).any_in(str(written)):
            raise Poisoned
        text, used = substitute(written, self._done.lists, self._names, where)
        for name in used:
            self._done.lists[name].is_used = True
        try:
            parsed = parser.parse(text, transformers=self.collection.transformers)
        except ConditionError as error:
            found = [error, *([] if scope is None else islice(_errors_in(error.before, scope), MAX_FURTHER))]
            raise RuleFault(*(_diagnostic(one, where.within(_reported(one, text), text)) for one in found)) from None
        return _Source(where, written, text, parsed, tuple(sorted(used)))

    def _rule(self, collected: CollectedRule) -> None:
        definition, scope = collected.definition, collected.scope
        if scope is None:
            return
        where = definition.where
        condition = definition.condition
        if definition.exceptions:
            condition = exceptions.expanded(condition, definition.exceptions)
        output = self._output(definition, scope)
        try:
            said = self._attempt(partial(self._says, output, definition, scope))
            decided = self._attempt(partial(self._decides, condition, definition, scope))
        except _SkippedError as skipped:
            self._done.warnings.append(skipped.warning)
            return
        if isinstance(said, RuleFault | Poisoned) or isinstance(decided, RuleFault | Poisoned):
            raise _together(said, decided)
        template, extra = said
        source, expanded, checked, event_types = decided
        rule = Rule(
            index=collected.index,
            name=definition.name,
            source=definition.source,
            priority=definition.priority,
            condition=checked,
            output=template,
            extra_fields=extra,
            tags=definition.tags,
            description=definition.description,
            enabled=definition.is_enabled,
            capture=definition.is_capture,
            capture_duration_ms=definition.capture_duration_ms,
            event_types=event_types,
        )
        self._done.rules.append(
            CompiledRule(
                rule, collected, source.parsed, expanded.expr, output, self._extra_formats(definition), source.lists
            )
        )
        if scope.event_types and scope.event_types.are_many(rule.event_types or ()) and definition.warns_event_types:
            message = "Rule matches too many evt.type values. This has a significant performance penalty."
            hint = "add a check of evt.type, such as 'evt.type in (open, openat)', or set 'warn_evttypes: false'"
            self._done.warnings.append(where.warning(WarningCode.LOAD_NO_EVTTYPE, message, hint=hint))

    def _attempt(self, action: Callable[[], T]) -> T | RuleFault | Poisoned:
        """The outcome of *action*, faults included: upstream stops at the output of a rule, we look at both parts."""
        try:
            return action()
        except RuleFault as fault:
            self._stop()
            return fault
        except Poisoned as poisoned:
            return poisoned

    def _says(self, output: Text, definition: RuleDefinition, scope: Scope) -> tuple[Template, tuple[ExtraField, ...]]:
        template = self._template(output, definition, scope)
        extra = self._extra_fields(definition, scope)
        self._warn_of_deprecated(output, definition)
        return template, extra

    def _decides(
        self, condition: Text, definition: RuleDefinition, scope: Scope
    ) -> tuple[_Source, Expanded, Condition, frozenset[int] | None]:
        where = definition.where
        known = None if definition.skips_unknown_filter else scope
        source = self._source(condition, where.into("rule condition", "", definition.condition_span), known)
        try:
            expanded = self._macros.expand(source.parsed, where, condition, lambda _: True)
        except RuleFault as undefined:
            raise RuleFault(*undefined.diagnostics, *self._faults_beside_names(source, definition, scope)) from None
        _check_size(expanded.size, source.where)
        return source, expanded, *self._checked(source, expanded.expr, definition, scope)

    def _faults_beside_names(self, source: _Source, definition: RuleDefinition, scope: Scope) -> Iterator[Diagnostic]:
        """Faults of the checks of a condition whose macros are unknown, which upstream does not look at then."""
        names = {name.extent for name in identifiers(source.parsed)}
        try:
            check.check(source.parsed, scope)
        except ConditionError as error:
            for one in (error, *error.further):
                failed = self._failed(one, source, definition)
                if one.extent not in names and isinstance(failed, RuleFault):
                    yield from failed.diagnostics

    def _output(self, definition: RuleDefinition, scope: Scope) -> Text:
        """The output with additions and without what is no longer supported."""
        pieces = [definition.output]
        for addition in self.additions:
            if addition.matches(definition):
                for text in addition.texts(scope):
                    pieces += [Text.of(" ", addition.name), text]
        output = Text.join(pieces)
        if _CONTAINER_INFO not in str(output):
            return output
        message = (
            f"{_CONTAINER_INFO} is deprecated and no more useful, and will be dropped by Falco 1.0.0. The container "
            "plugin will automatically add required fields to the output message."
        )
        self._done.warnings.append(definition.where.warning(WarningCode.LOAD_DEPRECATED_ITEM, message))
        kept: list[Text] = []
        start = 0
        while (found := str(output).find(_CONTAINER_INFO, start)) != -1:
            kept.append(output.cut(start, found))
            start = found + len(_CONTAINER_INFO)
        return Text.join((*kept, output.cut(start, len(str(output)))))

    def _template(self, text: Text, definition: RuleDefinition, scope: Scope) -> Template:
        try:
            return templates.parse(text, scope)
        except ConditionError as error:
            where = definition.where.into("rule output", "", definition.output_span)
            raise _first([_failed(e, where, (), _OUTPUT, definition) for e in (error, *error.further)]) from None

    def _extra_formats(self, rule: RuleDefinition) -> dict[str, str | None]:
        """The keys that additions bring, with their formats; a later one replaces an earlier one."""
        return {key: text for addition in self.additions if addition.matches(rule) for key, text in addition.fields}

    def _extra_fields(self, definition: RuleDefinition, scope: Scope) -> tuple[ExtraField, ...]:
        formats = {
            key: (text, is_raw)
            for addition in self.additions
            if addition.matches(definition)
            for key, text, is_raw in addition.formats()
        }
        return tuple(
            ExtraField(key, self._template(text, definition, scope), is_raw=is_raw)
            for key, (text, is_raw) in formats.items()
        )

    def _warn_of_deprecated(self, output: Text, definition: RuleDefinition) -> None:
        where = definition.where.into("rule output", "", definition.output_span)
        for found in _FIELD.finditer(str(output)):
            extent = Extent(output, found.start(1), found.end(1))
            if (warning := warnings.deprecated(found[1], extent)) is not None:
                self._done.warnings.append(
                    where.warning(
                        WarningCode[warning.code], warning.message, place=extent, deprecated_field=warning.field
                    )
                )

    def _checked(
        self, source: _Source, expr: Expr, definition: RuleDefinition, scope: Scope
    ) -> tuple[Condition, frozenset[int] | None]:
        """The condition after the type check, and its event types; its warnings are recorded even if it fails."""

        def warn(warning: warnings.ConditionWarning) -> None:
            chain = self._macros.trace(source.parsed, warning.extent.text)
            code = WarningCode[warning.code]
            at: Place = definition.condition_span
            if code is WarningCode.LOAD_COMPILE_CONDITION:
                at = chain[-1].place if chain else warning.extent
            where = source.where.within(at, source.written)
            fault = where.warning(
                code, warning.message, place=warning.extent, chain=chain, deprecated_field=warning.field
            )
            self._done.warnings.append(fault)

        try:
            checked = check.check(expr, scope)
            event_types = None if scope.event_types is None else scope.event_types.infer(expr)
        except ConditionError as error:
            for warning in warnings.of_expression(expr):
                warn(warning)
            raise _first([self._failed(e, source, definition) for e in (error, *error.further)]) from None
        for warning in checked.warnings:
            warn(warning)
        return checked.condition, event_types

    def _failed(self, error: ConditionError, source: _Source, definition: RuleDefinition) -> RuleFault | _SkippedError:
        chain = self._macros.trace(source.parsed, error.extent.text)
        at = chain[-1].place if chain else _reported(error, source.text)
        where = source.where.within(at, source.written)
        return _failed(error, where, chain, ErrorCode.LOAD_ERR_COMPILE_CONDITION, definition)

    def _stop(self) -> None:
        """Remember how many warnings there are: Falco gives no more, as it stops at the first error."""
        if not self._done.errors and self._done.until_error is None:
            self._done.until_error = len(self._done.warnings)

    def _warn_of_unused(self) -> None:
        for macro in self._done.macros.values():
            if not macro.is_used:
                message = "Macro not referred to by any other rule/macro"
                self._done.warnings.append(macro.collected.where.warning(WarningCode.LOAD_UNUSED_MACRO, message))
        for resolved in self._done.lists.values():
            if not resolved.is_used:
                message = "List not referred to by any other rule/macro"
                self._done.warnings.append(resolved.collected.where.warning(WarningCode.LOAD_UNUSED_LIST, message))


class _SkippedError(Exception):
    """Ends the compiling of a rule with ``skip-if-unknown-filter``."""

    def __init__(self, warning: Diagnostic) -> None:
        super().__init__(warning.message)
        self.warning = warning


def _check_size(size: int, where: Where) -> None:
    """Refuse a condition that is too large with macros put in.

    Raises:
        RuleFault: It has *size* comparisons.
    """
    if size > MAX_CHECKS:
        count = f"{size:,}" if size < 10**12 else "more than 10^12"
        message = f"The condition has {count} comparisons with its macros put in, at most {MAX_CHECKS:,} are allowed"
        raise where.error(ErrorCode.LOAD_ERR_VALIDATE, message)


def _errors_in(checks: Iterable[Comparison | Exists], scope: Scope) -> Iterator[ConditionError]:
    """What is wrong with each of *checks*."""
    for one in checks:
        try:
            check.check(one, scope)
        except ConditionError as error:
            yield error


def _reported(error: ConditionError, text: Text) -> Extent:
    """Where Falco reports *error* in *text*."""
    return Extent(text, error.reported_at, error.reported_at)


def _diagnostic(error: ConditionError, where: Where) -> Diagnostic:
    code = ErrorCode.LOAD_ERR_COMPILE_CONDITION
    (found,) = where.error(code, error.message, place=error.extent, hint=error.hint).diagnostics
    return found


def _together(*outcomes: object) -> RuleFault | Poisoned:
    """All faults among *outcomes*; if there are none, the item refers to one with a fault."""
    faults = [outcome for outcome in outcomes if isinstance(outcome, RuleFault)]
    return RuleFault(*(d for fault in faults for d in fault.diagnostics)) if faults else Poisoned()


def _first(failures: Sequence[RuleFault | _SkippedError]) -> RuleFault | _SkippedError:
    """What becomes of an item with *failures*, in Falco's order: the first decides, faults go together."""
    if isinstance(failures[0], _SkippedError):
        return failures[0]
    return RuleFault(*(d for failure in failures if isinstance(failure, RuleFault) for d in failure.diagnostics))


def _failed(
    error: ConditionError, where: Where, chain: tuple[Note, ...], code: ErrorCode, rule: RuleDefinition
) -> RuleFault | _SkippedError:
    """What *error* in the condition or output of *rule* is: a fault at *where*, or a reason to leave the rule out."""
    place, hint = error.extent, error.hint
    if rule.skips_unknown_filter and any(part in error.message for part in _UNKNOWN):
        unknown = WarningCode.LOAD_UNKNOWN_FILTER
        return _SkippedError(where.warning(unknown, error.message, place=place, hint=hint, chain=chain))
    return where.error(code, error.message, place=place, hint=hint, chain=chain)
