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

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from falco.conditions import hints, tokens
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
from falco.conditions.tokens import Scanner
from falco.documents.text import Text

TRANSFORMERS: Final = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")
"""Names of the transformers of the language; plugins may bring more."""
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


def parse(text: Text, *, max_depth: int = 1000, transformers: Collection[str] = TRANSFORMERS) -> Expr:
    """The AST of the condition *text*.

    Args:
        text: The condition, lists already replaced by their items.
        max_depth: Falco's limit on nesting, in its own unit: a parenthesis counts five.
        transformers: Names that may be called.

    Raises:
        ConditionError: The text is not a condition.
    """
    return _Parser(Scanner(text), max_depth, transformers).condition()


def parse_operand(text: Text, *, transformers: Collection[str] = TRANSFORMERS) -> FieldName | TransformerCall:
    """The field or transformer that *text*, a token of an output template without its ``%``, is from end to end.

    Raises:
        ConditionError: The text is something else, or more.
    """
    return _Parser(Scanner(text), 1000, transformers, field_name=tokens.TEMPLATE_FIELD).operand()


@dataclass(slots=True)
class _Open:
    """A call or list whose closing parenthesis has not been met; ``name`` is "" for a list."""

    name: str
    start: int
    depth: int
    items: list[Operand] = field(default_factory=list)


class _Parser:
    def __init__(
        self,
        scanner: Scanner,
        max_depth: int,
        transformers: Collection[str],
        field_name: re.Pattern[str] = tokens.FIELD,
    ) -> None:
        self._scanner = scanner
        self._max_depth = max_depth
        self._depth = 0
        self._callable = tuple(f"{name}(" for name in transformers)
        self._field_name = field_name
        quoted = ", ".join(f"'{name}'" for name in ("val", *transformers))
        self._or_right = f"a field with a valid transformer: {quoted}"

    def condition(self) -> Expr:
        scanner = self._scanner
        if scanner.at_end:
            raise scanner.error("filter input string is empty")
        expr = self._expr()
        self._expect_end()
        return expr

    def operand(self) -> FieldName | TransformerCall:
        found = self._call() or self._field()
        if found is None:
            raise self._scanner.error("expected a '(' token, a field check, or an identifier")
        self._expect_end()
        return found

    def _expect_end(self) -> None:
        scanner = self._scanner
        scanner.blank()
        if not scanner.at_end:
            message = f"unexpected token after '{scanner.last}', expecting 'or', 'and'"
            raise scanner.error(message, hints.for_connective(scanner.string, scanner.position))

    def _descend(self) -> None:
        """Count one function of Falco's parser; who calls it puts the old depth back."""
        self._depth += 1
        if self._depth >= self._max_depth:
            message = f"exceeded max depth limit of {self._max_depth}"
            raise self._scanner.error(message, "name a part of the condition as a macro")

    def _expr(self) -> Expr:
        """Everything up to the end or a closing parenthesis."""
        scanner, depth, start = self._scanner, self._depth, self._scanner.position
        self._descend()
        alternatives: list[Expr] = []
        is_group = False
        while True:
            begin = scanner.position
            self._descend()
            terms = [self._check(is_group=is_group)]
            end = scanner.position
            scanner.blank()
            while not is_group and scanner.take("and"):
                terms.append(self._check(is_group=self._is_group_after("and")))
                end = scanner.position
                scanner.blank()
            self._depth = depth + 1
            alternatives.append(terms[0] if len(terms) == 1 else And(tuple(terms), scanner.extent(begin, end)))
            if not scanner.take("or"):
                break
            is_group = self._is_group_after("or")
        self._depth = depth
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), scanner.extent(start, end))

    def _is_group_after(self, connective: str) -> bool:
        """Whether a parenthesis follows without a blank: then it alone is the operand."""
        scanner = self._scanner
        if scanner.blank():
            return False
        if scanner.take("("):
            return True
        raise scanner.error(f"expected blank or '(' after '{connective}'")

    def _check(self, *, is_group: bool) -> Expr:
        """A check or group with the negations before it; *is_group*: its parenthesis has been taken."""
        scanner, depth = self._scanner, self._depth
        is_negated = False
        start = scanner.position
        if not is_group:
            self._descend()
            scanner.blank()
            start = scanner.position
            while scanner.match(tokens.NOT) is not None:
                is_negated = not is_negated
            if is_group := scanner.take("not("):
                is_negated = not is_negated
            else:
                self._descend()
                scanner.blank()
                is_group = scanner.take("(")
        if is_group:
            self._descend()
            child = self._expr()
            scanner.blank()
            if not scanner.take(")"):
                raise scanner.error("expected a ')' token", hints.for_connective(scanner.string, scanner.position))
        else:
            child = self._comparison()
        self._depth = depth
        return Not(child, scanner.extent(start)) if is_negated else child

    def _comparison(self) -> Expr:
        scanner, start = self._scanner, self._scanner.position
        self._descend()
        left = self._call() or self._field()
        if left is not None:
            scanner.blank()
            return self._condition(left, start)
        name = scanner.match(tokens.IDENTIFIER)
        if name is None:
            raise scanner.error("expected a '(' token, a field check, or an identifier")
        return Identifier(name, scanner.extent(start))

    def _condition(self, left: FieldName | TransformerCall, start: int) -> Exists | Comparison:
        scanner = self._scanner
        if scanner.take("exists"):
            return Exists(left, scanner.extent(start))
        right: Operand | Identifier | None
        for operator in NUMBER_OPERATORS:
            if scanner.take(operator):
                scanner.blank()
                right = self._number() or self._right()
                if right is None:
                    raise scanner.error(f"expected a number value or {self._or_right}")
                return Comparison(left, operator, right, scanner.extent(start))
        for operator in STRING_OPERATORS:
            if scanner.take_word(operator) if operator.isalpha() else scanner.take(operator):
                modifier = self._modifier() if scanner.blank() or operator.isalpha() else None
                if modifier is not None:
                    right = self._list() or self._identifier()
                    if right is None:
                        raise scanner.error("expected a list or an identifier")
                    return Comparison(left, f"{operator} {modifier}", right, scanner.extent(start))
                right = self._right() or self._string()
                if right is None:
                    hint = hints.for_string(scanner.string, scanner.position)
                    raise scanner.error(f"expected a string value or {self._or_right}", hint)
                return Comparison(left, operator, right, scanner.extent(start))
        for operator in LIST_OPERATORS:
            if scanner.take(operator):
                scanner.blank()
                right = self._list() or self._right() or self._identifier()
                if right is None:
                    message = f"expected a list, an identifier, or {self._or_right}"
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

    def _right(self) -> FieldName | TransformerCall | None:
        """What may stand on the right instead of a literal."""
        scanner, start = self._scanner, self._scanner.position
        if not scanner.take("val("):
            return self._call()
        scanner.blank()
        argument = self._field()
        if argument is None:
            raise scanner.error("expected a field within 'val' transformer")
        scanner.blank()
        if not scanner.take(")"):
            raise scanner.error("expected a ')' token closing the transformer")
        selector, _ = self._brackets()
        return TransformerCall("val", (argument,), selector, scanner.extent(start))

    def _call(self) -> TransformerCall | None:
        """A transformer with everything in its parentheses, which may be transformers and lists again."""
        scanner, depth = self._scanner, self._depth
        open_: list[_Open] = []
        if not self._opened(open_):
            return None
        while True:
            scanner.blank()
            node = self._item(open_)
            while node is not None:
                inner = open_[-1]
                inner.items.append(node)
                node = None
                scanner.blank()
                if scanner.take(","):
                    break
                node = self._closed(open_)
                if not open_ and isinstance(node, TransformerCall):
                    self._depth = depth
                    return node

    def _opened(self, open_: list[_Open]) -> bool:
        """Take the name and parenthesis of a call, and open it."""
        scanner = self._scanner
        for name in self._callable:
            start = scanner.position
            if scanner.take(name):
                open_.append(_Open(name[:-1], start, self._depth))
                self._descend()
                self._descend()
                return True
        return False

    def _item(self, open_: list[_Open]) -> Operand | None:
        """The next item of the innermost parenthesis; None: another parenthesis was opened."""
        scanner, start, inner = self._scanner, self._scanner.position, open_[-1]
        is_list = not inner.name
        if is_list and not inner.items and scanner.string.startswith(")", start):
            return self._closed(open_)
        literal = self._number() or self._quoted()
        if literal is not None:
            return literal
        if not is_list and scanner.take("("):
            open_.append(_Open("", start, self._depth))
            self._descend()
            return None
        if self._opened(open_):
            return None
        found = self._field()
        if found is None:
            message = (
                "expected field transformer argument: field, transformer, quoted string, number, or transformer list"
            )
            raise scanner.error(message, "" if is_list else "values in a transformer are quoted")
        return found

    def _closed(self, open_: list[_Open]) -> ListLiteral | TransformerCall:
        """Take the parenthesis that closes the innermost call or list."""
        scanner, inner = self._scanner, open_[-1]
        if not scanner.take(")"):
            raise scanner.error(
                "expected a ')' token closing the transformer" if inner.name else "expected a ')' token"
            )
        open_.pop()
        self._depth = inner.depth
        if not inner.name:
            return ListLiteral(tuple(inner.items), scanner.extent(inner.start))
        selector, _ = self._brackets()
        return TransformerCall(inner.name, tuple(inner.items), selector, scanner.extent(inner.start))

    def _field(self) -> FieldName | None:
        scanner, start = self._scanner, self._scanner.position
        name = scanner.match(self._field_name)
        if name is None:
            return None
        argument, is_quoted = self._brackets()
        return FieldName(name, argument, scanner.extent(start), is_quoted)

    def _brackets(self) -> tuple[str | None, bool]:
        """The argument in brackets, None without brackets; and whether it is quoted."""
        scanner = self._scanner
        if not scanner.take("["):
            return None, False
        is_quoted = True
        argument = scanner.quoted()
        if argument is None:
            is_quoted = False
            argument = scanner.match(tokens.BARE_ARGUMENT)
        if argument is None:
            raise scanner.error("expected a valid field argument: a quoted string or a bare string")
        if not scanner.take("]"):
            raise scanner.error("expected a ']' token", "an argument with blanks or brackets is quoted")
        return argument, is_quoted

    def _list(self) -> ListLiteral | None:
        scanner, start = self._scanner, self._scanner.position
        if not scanner.take("("):
            return None
        items: list[Operand] = []
        scanner.blank()
        item = self._string()
        while item is not None:
            items.append(item)
            scanner.blank()
            if not scanner.take(","):
                break
            scanner.blank()
            item = self._string()
            if item is None:
                raise scanner.error("expected a string value", "remove the comma, or quote the value")
        if not scanner.take(")"):
            raise scanner.error("expected a ')' token", hints.for_list(scanner.string, scanner.position))
        return ListLiteral(tuple(items), scanner.extent(start))

    def _string(self) -> Literal | None:
        return self._quoted() or self._literal(tokens.BARE_STRING)

    def _number(self) -> Literal | None:
        return self._literal(tokens.NUMBER)

    def _quoted(self) -> Literal | None:
        start = self._scanner.position
        text = self._scanner.quoted()
        return None if text is None else Literal(text, self._scanner.extent(start), is_quoted=True)

    def _literal(self, pattern: re.Pattern[str]) -> Literal | None:
        start = self._scanner.position
        text = self._scanner.match(pattern)
        return None if text is None else Literal(text, self._scanner.extent(start))

    def _identifier(self) -> Identifier | None:
        start = self._scanner.position
        name = self._scanner.match(tokens.IDENTIFIER)
        return None if name is None else Identifier(name, self._scanner.extent(start))
