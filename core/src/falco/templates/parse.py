"""From the text of an output to a template (filter-language.md §8).

    token       ::= '%' width? ( field | transformer )
    width       ::= [0-9]+
    field       ::= name ( '[' argument ']' )?
    transformer ::= name '(' … ')' ( '[' argument ']' )?

The longest text that is a field or a transformer of the event source is the token, and what follows is text:
``%proc.nameand`` is the field ``proc.name`` and ``and``.  There is no way to write a percent sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from falco.conditions import ast
from falco.conditions.check import check_operand
from falco.conditions.checked import Operand
from falco.conditions.errors import MAX_FURTHER, ConditionError, first_of
from falco.conditions.parser import parse_operand
from falco.conditions.scope import Scope
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Extent, Text
from falco.fields.model import Field
from falco.templates.model import Piece, Template, Token

MAX_WIDTH: Final = 65_535
"""A wider token is as wide as this: an alert would otherwise be as large as whoever writes the rule likes."""

_LONGEST: Final = 4096  # characters of one token; bounds what a text full of unfinished tokens costs
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_.]{0,511}")
_DIGITS: Final = re.compile(r"[0-9]*")
_ARGUMENT: Final = re.compile(rf"""\[(?:[^][\"'\s]{{1,{_LONGEST}}}|"[^"]{{0,{_LONGEST}}}"|'[^']{{0,{_LONGEST}}}')\]""")
_CALL_PART: Final = re.compile(r"""[()]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)

Node = ast.FieldName | ast.TransformerCall


def parse(text: Text, scope: Scope) -> Template:
    """The template that *text* says, for events of the source of *scope*.

    A leading ``*`` is dropped: it asks for what is always done, to show an alert some of whose fields are absent.

    Raises:
        ConditionError: With Falco's sentence, for the first token that is not one; the others are ``further``.
    """
    whole = str(text)
    position = 1 if whole.startswith("*") else 0
    if position == len(whole):
        raise ConditionError("empty formatting token", Extent(text, 0, len(whole)), "write what the alert says")
    pieces: list[Piece] = []
    errors: list[ConditionError] = []
    while (percent := whole.find("%", position)) >= 0:
        if position < percent:
            pieces.append(whole[position:percent])
        try:
            token, position = _token(text, whole, percent, scope)
            pieces.append(token)
        except ConditionError as error:
            errors.append(error)
            position = max(error.extent.end, percent + 1)
            if len(errors) > MAX_FURTHER:
                break
    if errors:
        raise first_of(errors)
    if position < len(whole):
        pieces.append(whole[position:])
    return Template(tuple(pieces))


def _token(text: Text, whole: str, percent: int, scope: Scope) -> tuple[Token, int]:
    """The token at *percent* and the place after it."""
    start = _DIGITS.match(whole, percent + 1).end()  # type: ignore[union-attr]  # it also matches nothing
    if start == len(whole):
        last = "a %" if start == percent + 1 else "a number"
        raise ConditionError(
            f"invalid formatting syntax: formatting cannot end with {last}",
            Extent(text, percent, start),
            "a % begins a field such as %evt.time; a percent sign itself cannot be written",
        )
    width = min(int(whole[percent + 1 : start][:6] or "0"), MAX_WIDTH)
    failure = None
    for end in _ends(whole, start, scope):
        try:
            node = _node(whole[start:end], scope)
            if isinstance(node, ast.TransformerCall) and node.name == "val":
                continue
            operand = check_operand(node, scope)
            if isinstance(node, ast.FieldName):
                return Token(operand, key_of(node), width), end
            return Token(operand, None, width, _parts(node, operand, scope)), end
        except ConditionError as error:
            failure = failure or error
    word = whole[start : _end_of_word(whole, start)]
    failure = failure or _why_not(word, scope)
    near = did_you_mean(word, scope.transformers) if whole.startswith("(", start + len(word)) else ""
    hint = near or "a % begins a field or a transformer; a percent sign itself cannot be written"
    raise ConditionError(
        # upstream: the parser's sentence is cut at the NUL that stands for the end of the text
        "unknown filter: unexpected token after '",
        Extent(text, percent, _end_of_word(whole, start)),
        f"{failure.message}: {failure.hint or hint}" if failure else hint,
    )


def _ends(whole: str, start: int, scope: Scope) -> Iterator[int]:
    """Where the token at *start* may end, the longest first. What is never a field is left out: errors are slow."""
    match = _NAME.match(whole, start)
    if match is None:
        return
    name, end = match[0], match.end()
    if name in scope.transformers and whole.startswith("(", end) and (closed := _end_of_call(whole, end)):
        if argument := _ARGUMENT.match(whole, closed):
            yield argument.end()
        yield closed
    owners = {size: field for size in range(1, len(name) + 1) if (field := scope.fields.get(name[:size]))}
    if len(name) in owners and (argument := _ARGUMENT.match(whole, end)):
        yield argument.end()
    for size in range(len(name), 0, -1):
        if size in owners:
            yield start + size
        elif owner := max((shorter for shorter in owners if shorter < size), default=0):
            if _is_spelling(owners[owner], name[owner:size]):
                yield start + size
        else:
            return


def _is_spelling(field: Field[Any], rest: str) -> bool:
    try:
        return field.spelling is not None and field.spelling(rest) is not None
    except ValueError:
        return False


def _node(token: str, scope: Scope) -> Node:
    """*token* as the parser of conditions reads it, and names that only outputs may have (``evt.type.is.3``)."""
    if _NAME.fullmatch(token):
        return ast.FieldName(token, None, Extent(Text.of(token), 0, len(token)))
    return parse_operand(Text.of(token), transformers=scope.transformers)


def _why_not(word: str, scope: Scope) -> ConditionError | None:
    """The error of *word* taken as a field."""
    if "." not in word:
        return None
    try:
        check_operand(_node(word, scope), scope)
    except ConditionError as error:
        return error
    return None


def _end_of_call(whole: str, start: int) -> int | None:
    """The place after the parenthesis that closes the one at *start*; None if none does."""
    depth = 0
    for match in _CALL_PART.finditer(whole, start, start + _LONGEST):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return None


def _end_of_word(whole: str, start: int) -> int:
    match = _NAME.match(whole, start)
    return match.end() if match else start


def key_of(name: ast.FieldName) -> str:
    """The key of a field in ``output_fields``: as written, without the quotes of its argument."""
    if name.argument is None:
        return name.name
    quotes = '""'  # upstream: an empty argument keeps them
    return f"{name.name}[{name.argument or quotes}]"


def _parts(call: ast.TransformerCall, operand: Operand, scope: Scope) -> tuple[tuple[str, Operand], ...]:
    """What is inside *call*, inner parts first; of transformers applied to one another only the outermost."""
    parts: dict[str, Operand] = {}
    stack: list[ast.Operand | _Done] = [call]
    while stack:
        match stack.pop():
            case ast.FieldName() as name:
                parts.setdefault(key_of(name), check_operand(name, scope))
            case ast.TransformerCall() as inner:
                base: ast.Operand = inner
                while isinstance(base, ast.TransformerCall) and len(base.arguments) == 1:
                    base = base.arguments[0]
                stack.append(_Done(inner))
                stack += reversed(base.arguments if isinstance(base, ast.TransformerCall) else (base,))
            case ast.ListLiteral(items=items):
                stack += reversed(items)
            case _Done(call=inner):
                parts[text_of(inner)] = operand if inner is call else check_operand(inner, scope)
            case ast.Literal():
                pass
    return tuple(parts.items())


@dataclass(frozen=True, slots=True)
class _Done:
    """A transformer all of whose arguments were visited."""

    call: ast.TransformerCall


def text_of(operand: ast.Operand) -> str:
    """*operand* as descriptions and ``output_fields`` spell it: without blanks and quotes."""
    written: list[str] = []
    stack: list[ast.Operand | str] = [operand]
    while stack:
        match stack.pop():
            case str() as text:
                written.append(text)
            case ast.FieldName() as name:
                written.append(key_of(name))
            case ast.Literal(text=text):
                written.append(text)
            case ast.ListLiteral(items=items):
                stack += _enclosed("(", items, ")")
            case ast.TransformerCall(name=name, arguments=arguments, argument=argument):
                stack += _enclosed(f"{name}(", arguments, ")" if argument is None else f")[{argument}]")
    return "".join(written)


def _enclosed(opening: str, items: tuple[ast.Operand, ...], closing: str) -> list[ast.Operand | str]:
    """*items* with commas between, to be taken from the end."""
    pieces: list[ast.Operand | str] = [closing]
    for item in reversed(items):
        pieces += (item, ",")
    return [*pieces[: -1 if items else None], opening]
