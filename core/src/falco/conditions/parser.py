"""From the text of a condition to its AST.

The grammar, as Falco's parser has it (``filter-language``; blanks are left out)::

    expr      = and_expr { "or" ( blank and_expr | "(" expr ")" ) }
    and_expr  = not_expr { "and" ( blank not_expr | "(" expr ")" ) }
    not_expr  = { "not" blank } ( "not(" expr ")" | check )
    check     = "(" expr ")" | left condition | macro name
    left      = field | transformer
    field     = name [ "[" ( quoted | bare ) "]" ]
    call      = transformer name "(" item { "," item } ")" [ "[" … "]" ]
    item      = number | quoted | "(" [ item { "," item } ] ")" | call | field      (no list in a list)
    condition = "exists"
              | ( "<=" | "<" | ">=" | ">" ) ( number | right )
              | string operator ( quoted | bare | right )
              | string operator ( "oneof" | "anyof" | "allof" ) ( list | name )
              | ( "intersects" | "in" | "pmatch" ) ( list | right | name )
    right     = "val(" field ")" | call
    list      = "(" [ string { "," string } ] ")"

A level of nesting costs two Python frames and transformers inside transformers none, so that what Falco's depth limit
lets through fits into CPython's default stack.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from falco.conditions import hints, tokens
from falco.conditions.ast import (
    And,
    Comparison,
    Exists,
    Expr,
    FieldName,
    Identifier,
    Not,
    Operand,
    Or,
    TransformerCall,
)
from falco.conditions.errors import ConditionError
from falco.conditions.operands import OperandParser
from falco.conditions.tokens import Scanner
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text

TRANSFORMERS: Final = tuple(BUILT_IN)
"""Names of the transformers of the language; plugins may bring more."""
MAX_DEPTH: Final = 1000
"""Falco's limit on nesting in rules, in its own unit: a parenthesis counts five."""
NUMBER_OPERATORS: Final = ("<=", "<", ">=", ">")
STRING_OPERATORS: Final = (
    "==",
    "=",
    "!=",
    "glob",
    "iglob",
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "regex",
)
LIST_OPERATORS: Final = ("intersects", "in", "pmatch")
MODIFIERS: Final = ("oneof", "anyof", "allof")
OPERATORS: Final = ("exists", *NUMBER_OPERATORS, *STRING_OPERATORS, *LIST_OPERATORS)
_CONNECTIVES: Final = frozenset({"and", "or", "not"})


def parse(text: Text, *, max_depth: int = MAX_DEPTH, transformers: Collection[str] = TRANSFORMERS) -> Expr:
    """The AST of the condition *text*.

    Args:
        text: The condition, lists already replaced by their items.
        max_depth: Limit on nesting, in the unit of ``MAX_DEPTH``.
        transformers: Names that may be called.

    Raises:
        ConditionError: The text is not a condition; the checks before the fault are ``before``.
    """
    scanner = Scanner(text)
    return _Parser(scanner, OperandParser(scanner, max_depth, transformers)).condition()


def parse_operand(text: Text, *, transformers: Collection[str] = TRANSFORMERS) -> FieldName | TransformerCall:
    """The field or transformer that *text*, a token of an output template without its ``%``, is from end to end.

    Raises:
        ConditionError: The text is something else, or more.
    """
    scanner = Scanner(text)
    return _Parser(scanner, OperandParser(scanner, MAX_DEPTH, transformers, tokens.TEMPLATE_FIELD)).operand()


class _Parser:
    def __init__(self, scanner: Scanner, operands: OperandParser) -> None:
        self._scanner = scanner
        self._operands = operands
        self._checks: list[Comparison | Exists] = []
        self._operator_at: int | None = None
        """Where the operator of the comparison before stands; None after a macro."""

    def condition(self) -> Expr:
        scanner = self._scanner
        if scanner.at_end:
            raise scanner.error("filter input string is empty")
        try:
            expr = self._expr()
            self._expect_end()
        except ConditionError as error:
            error.before = tuple(self._checks)
            raise
        return expr

    def operand(self) -> FieldName | TransformerCall:
        found = self._operands.call() or self._operands.field()
        if found is None:
            raise self._scanner.error("expected a '(' token, a field check, or an identifier")
        self._expect_end()
        return found

    def _expect_end(self) -> None:
        scanner = self._scanner
        scanner.blank()
        if not scanner.at_end:
            raise self._unexpected(f"unexpected token after '{scanner.last}', expecting 'or', 'and'")

    def _unexpected(self, message: str) -> ConditionError:
        """*message* where the condition before should have ended; its operator may be what is wrong."""
        scanner, start = self._scanner, self._operator_at
        if start is not None:
            word, hint = hints.for_misspelt(scanner.string, start, OPERATORS)
            if word:
                where = scanner.extent(start, start + len(word))
                return ConditionError(message, where, hint, reported_at=scanner.position)
        return scanner.error(message, hints.for_connective(scanner.string, scanner.position, scanner.last))

    def _expr(self) -> Expr:
        """Everything up to the end or a closing parenthesis."""
        scanner, depth, start = self._scanner, self._operands.depth, self._scanner.position
        self._operands.descend()
        alternatives: list[Expr] = []
        is_group = False
        while True:
            begin = scanner.position
            self._operands.descend()
            terms = [self._check(is_group=is_group)]
            end = scanner.position
            scanner.blank()
            while not is_group and scanner.take("and"):
                terms.append(self._check(is_group=self._is_group_after("and")))
                end = scanner.position
                scanner.blank()
            self._operands.depth = depth + 1
            alternatives.append(terms[0] if len(terms) == 1 else And(tuple(terms), scanner.extent(begin, end)))
            if not scanner.take("or"):
                break
            is_group = self._is_group_after("or")
        self._operands.depth = depth
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), scanner.extent(start, end))

    def _is_group_after(self, connective: str) -> bool:
        """Whether a parenthesis follows without a blank: then it alone is the operand."""
        scanner = self._scanner
        if scanner.blank():
            return False
        if scanner.take("("):
            return True
        hint = hints.for_check(scanner.string, scanner.position)
        raise scanner.error(f"expected blank or '(' after '{connective}'", hint)

    def _check(self, *, is_group: bool) -> Expr:
        """A check or group with the negations before it; *is_group*: its parenthesis has been taken."""
        scanner, depth = self._scanner, self._operands.depth
        is_negated = False
        start = scanner.position
        if not is_group:
            self._operands.descend()
            scanner.blank()
            start = scanner.position
            while scanner.match(tokens.NOT) is not None:
                is_negated = not is_negated
            if is_group := scanner.take("not("):
                is_negated = not is_negated
            else:
                self._operands.descend()
                scanner.blank()
                is_group = scanner.take("(")
        if is_group:
            self._operands.descend()
            child = self._expr()
            scanner.blank()
            if not scanner.take(")"):
                raise self._unexpected("expected a ')' token")
        else:
            child = self._comparison()
        self._operands.depth = depth
        return Not(child, scanner.extent(start)) if is_negated else child

    def _comparison(self) -> Expr:
        scanner, start = self._scanner, self._scanner.position
        self._operands.descend()
        left = self._operands.call() or self._operands.field()
        if left is not None:
            scanner.blank()
            self._checks.append(self._condition(left, start))
            return self._checks[-1]
        name = scanner.match(tokens.IDENTIFIER)
        if name is None:
            hint = hints.for_check(scanner.string, scanner.position)
            raise scanner.error("expected a '(' token, a field check, or an identifier", hint)
        self._operator_at = None
        return Identifier(name, scanner.extent(start))

    def _condition(self, left: FieldName | TransformerCall, start: int) -> Exists | Comparison:
        scanner = self._scanner
        self._operator_at = scanner.position
        if scanner.take("exists"):
            return Exists(left, scanner.extent(start))
        right: Operand | Identifier | None
        for operator in NUMBER_OPERATORS:
            if scanner.take(operator):
                scanner.blank()
                right = self._operands.number() or self._operands.right()
                if right is None:
                    raise self._unexpected(f"expected a number value or {self._operands.or_right}")
                return Comparison(left, operator, right, scanner.extent(start))
        for operator in STRING_OPERATORS:
            if scanner.take_word(operator) if operator.isalpha() else scanner.take(operator):
                modifier = self._modifier() if scanner.blank() or operator.isalpha() else None
                if modifier is not None:
                    right = self._operands.value_list() or self._operands.identifier()
                    if right is None:
                        raise scanner.error("expected a list or an identifier")
                    return Comparison(left, f"{operator} {modifier}", right, scanner.extent(start))
                right = self._operands.right() or self._operands.string()
                if right is None:
                    hint = hints.for_string(scanner.string, scanner.position)
                    raise scanner.error(f"expected a string value or {self._operands.or_right}", hint)
                return Comparison(left, operator, right, scanner.extent(start))
        for operator in LIST_OPERATORS:
            if scanner.take(operator):
                scanner.blank()
                right = self._operands.value_list() or self._operands.right() or self._operands.identifier()
                if right is None:
                    message = f"expected a list, an identifier, or {self._operands.or_right}"
                    raise scanner.error(message, "write the values in parentheses: (a, b)")
                return Comparison(left, operator, right, scanner.extent(start))
        quoted = ", ".join(f"'{operator}'" for operator in OPERATORS)
        message = f"expected a valid check operator: one of {quoted}"
        raise scanner.error(message, hints.for_operator(scanner.string, scanner.position, OPERATORS))

    def _modifier(self) -> str | None:
        """Take a modifier, unless the word is the value itself: nothing it could apply to follows."""
        scanner = self._scanner
        before, last = scanner.position, scanner.last
        for modifier in MODIFIERS:
            if scanner.take_word(modifier):
                name = scanner.peek(tokens.IDENTIFIER)
                if scanner.string.startswith("(", scanner.position) or (name and name not in _CONNECTIVES):
                    return modifier
                scanner.position, scanner.last = before, last
        return None
