"""The type check: from the AST of a condition to what is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from falco.conditions import ast, checked, families, literals, walk, warnings
from falco.conditions.checked import Condition, Modifier, Operand, Operator
from falco.conditions.errors import MAX_FURTHER, ConditionError, first_of
from falco.conditions.scope import Scope
from falco.conditions.transformers import LIST, Shape, Transformer
from falco.conditions.warnings import ConditionWarning
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Extent
from falco.fields.model import FieldFlag, FieldType, FieldUse
from falco.fields.registry import FieldError

_OPERATORS: Final = {operator.value: operator for operator in Operator} | {"==": Operator.EQ}
_NO_FIELD_ON_THE_RIGHT: Final = frozenset({Operator.REGEX, Operator.PMATCH})


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition that can be evaluated, and what there is to warn about."""

    condition: Condition
    warnings: tuple[ConditionWarning, ...] = ()


def check(expr: ast.Expr, scope: Scope) -> Checked:
    """The condition *expr*, macros already replaced, with fields, operators and literals checked against *scope*.

    Groups of one connective inside of another of the same are one group, double negations none.

    Raises:
        ConditionError: A check cannot be evaluated; the first one from the left, the others are ``further``.
            ``warnings.of_expression`` holds for such a condition, too.
    """
    found = list(warnings.of_expression(expr))
    errors: list[ConditionError] = []

    def checked_leaf(leaf: walk.Leaf) -> Condition:
        if len(errors) > MAX_FURTHER:
            return checked.FALSE  # the rest would not be shown, and looking for similar names takes long
        try:
            return _Leaf(leaf, scope, found).condition()
        except ConditionError as error:
            errors.append(error)
            return checked.FALSE

    condition = walk.fold(expr, checked_leaf, _joined)
    if errors:
        raise first_of(errors)
    return Checked(condition, tuple(found))


def check_operand(operand: ast.FieldName | ast.TransformerCall, scope: Scope) -> Operand:
    """The field or transformer of an output template.

    Raises:
        ConditionError: It does not exist or its arguments do not suit it.
    """
    return _Operands(scope, operand.extent.start).resolve(operand).operand


def _operator(leaf: ast.Comparison | ast.Exists) -> Extent:
    """The operator of a check, and its modifier."""
    whole, start = leaf.extent, leaf.left.extent.end
    end = leaf.right.extent.start if isinstance(leaf, ast.Comparison) else whole.end
    between = str(whole.text)[start:end]
    start += len(between) - len(between.lstrip())
    return Extent(whole.text, start, max(start, start + len(between.strip())))


def _joined(joint: walk.Joint, children: list[Condition]) -> Condition:
    if isinstance(joint, ast.Not):
        child = children[0]
        return child.child if isinstance(child, checked.Not) else checked.Not(child)
    kind = checked.And if isinstance(joint, ast.And) else checked.Or
    flat: list[Condition] = []
    for child in children:
        flat.extend(child.children if isinstance(child, kind) else (child,))
    return kind(tuple(flat))


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An operand and its type."""

    operand: Operand
    shape: Shape

    @property
    def type_name(self) -> str:
        """The type as Falco's sentences name it."""
        return self.shape.type.value + (" (list)" if self.shape.is_list else "")

    def has(self, flag: FieldFlag) -> bool:
        """Whether the field that the value comes from has *flag*."""
        return self.shape.field is not None and flag in self.shape.field.flags


class _Operands:
    """Resolves the operands of one check, which begins at the offset *reported_at*."""

    def __init__(self, scope: Scope, reported_at: int) -> None:
        self._scope = scope
        self._reported_at = reported_at

    def error(self, message: str, extent: Extent, hint: str = "") -> ConditionError:
        return ConditionError(message, extent, hint, reported_at=self._reported_at)

    def resolve(self, operand: ast.Operand) -> _Resolved:
        return walk.fold_operand(operand, self._field_or_constant, self._applied)

    def _field_or_constant(self, operand: ast.FieldName | ast.Literal) -> _Resolved:
        if isinstance(operand, ast.Literal):
            return _Resolved(checked.Constant(operand.text, FieldType.STRING), Shape(FieldType.STRING))
        try:
            use = self._scope.fields.use(operand.name, operand.argument)
        except FieldError as error:
            raise self.error(error.message, operand.extent, error.hint) from error
        return _Resolved(use, Shape(use.type, use.is_list, use.field))

    def _applied(self, call: ast.TransformerCall | ast.ListLiteral, arguments: list[_Resolved]) -> _Resolved:
        if isinstance(call, ast.ListLiteral):
            return self._apply(LIST, None, call.extent, arguments)
        if call.name == "val":
            if call.argument is not None:
                message = "filter error: transformer 'val' does not support field arguments"
                raise self.error(message, call.extent)
            return arguments[0]
        transformer = self._scope.transformers.get(call.name)
        if transformer is None:
            hint = did_you_mean(call.name, self._scope.transformers)
            name = Extent(call.extent.text, call.extent.start, call.extent.start + len(call.name))
            raise self.error(f"unknown field transfomer '{call.name}'", name, hint)
        return self._apply(transformer, call.argument, call.extent, arguments)

    def _apply(
        self, transformer: Transformer, selector: str | None, extent: Extent, arguments: Sequence[_Resolved]
    ) -> _Resolved:
        for argument in arguments:
            if argument.has(FieldFlag.NO_TRANSFORMER):
                raise self.error(f"field '{argument.shape.field_name}' does not support transformers", extent)
        try:
            shape = transformer.result([argument.shape for argument in arguments], selector)
        except ValueError as error:
            raise self.error(str(error), extent, transformer.doc) from error
        operands = tuple(argument.operand for argument in arguments)
        made = checked.Transformed(transformer.name, operands, selector, shape.type, shape.is_list, transformer)
        return _Resolved(made, shape)


class _Leaf:
    """One check or name."""

    def __init__(self, leaf: walk.Leaf, scope: Scope, found: list[ConditionWarning]) -> None:
        self._leaf = leaf
        self._scope = scope
        self._found = found
        self._operands = _Operands(scope, leaf.extent.start)

    def condition(self) -> checked.Check:
        leaf = self._leaf
        if isinstance(leaf, ast.Identifier):
            raise self._operands.error(f"Undefined macro '{leaf.name}' used in filter.", leaf.extent)
        left = self._operands.resolve(leaf.left)
        if isinstance(leaf, ast.Exists):
            return checked.Check(left.operand, Operator.EXISTS)
        name, _, modifier_name = leaf.operator.partition(" ")
        operator = _OPERATORS[name]
        modifier = Modifier(modifier_name) if modifier_name else None
        self._check_operator(leaf, left, operator, modifier)
        if isinstance(leaf.right, ast.FieldName | ast.TransformerCall):
            right = self._operands.resolve(leaf.right)
            self._check_right(leaf, left, operator, right)
            return checked.Check(left.operand, operator, right.operand, modifier)
        written = warnings.literals(leaf.right)
        values = tuple(self._converted(literal, left, operator) for literal in written)
        for literal in written:
            self._found.extend(warnings.of_literal(literal, name, self._scope))
        return checked.Check(left.operand, operator, values, modifier)

    def _check_operator(
        self, leaf: ast.Comparison, left: _Resolved, operator: Operator, modifier: Modifier | None
    ) -> None:
        type_, is_list = left.shape.type, left.shape.is_list
        problem = families.problem(type_, operator, is_list=is_list, has_modifier=modifier is not None)
        if isinstance(left.operand, FieldUse) and left.operand.field.refusal_of is not None:
            problem = left.operand.field.refusal_of(left.operand.argument) or problem
        if problem:
            raise self._operands.error(problem, _operator(leaf), families.suggestion(type_, is_list=is_list))

    def _check_right(self, leaf: ast.Comparison, left: _Resolved, operator: Operator, right: _Resolved) -> None:
        extent = leaf.right.extent
        error = self._operands.error
        if operator in _NO_FIELD_ON_THE_RIGHT:
            raise error(f"operator '{operator.name}' doesn't support right-hand side fields", extent)
        if left.shape.type in families.NETWORKS:
            raise error(f"field type '{left.shape.type.value}' doesn't support right-hand side fields", extent)
        if left.has(FieldFlag.NO_RHS):
            raise error(f"field '{left.shape.field_name}' doesn't support right-hand side fields", extent)
        if right.has(FieldFlag.NO_RHS):
            raise error(f"field '{right.shape.field_name}' can't be used as a right-hand side field", extent)
        if (left.shape.type, left.shape.is_list) != (right.shape.type, right.shape.is_list):
            message = (
                f"field '{left.shape.field_name}' has type '{left.type_name}' while the right-hand side field"
                f" '{right.shape.field_name}' has incompatible type '{right.type_name}'"
            )
            raise error(message, extent)

    def _converted(self, literal: ast.Literal | ast.Identifier, left: _Resolved, operator: Operator) -> Any:
        text = literal.name if isinstance(literal, ast.Identifier) else literal.text
        try:
            value = literals.convert(text, left.shape.type, operator)
        except ValueError as error:
            hint = "write \\x00 in no value" if "NUL" in str(error) else ""
            raise self._operands.error(str(error), literal.extent, hint) from error
        event_types = self._scope.event_types
        field = left.shape.field
        if (
            event_types is not None
            and field is not None
            and field.name == "evt.type"
            and not event_types.is_known(text)
        ):
            hint = did_you_mean(text, event_types.names(event_types.all))
            raise self._operands.error(f"unknown event type {text}", literal.extent, hint)
        return value
