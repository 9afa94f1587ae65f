"""Did-you-mean: what a person who wrote this probably wanted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from falco.documents.suggestions import did_you_mean

_WORD: Final = re.compile(r"[a-zA-Z_]+|[=!<>~&|]+")
_GLUED: Final = re.compile(r"&&|\|\|")
_ELSEWHERE: Final = {
    "&": "and",
    "&&": "and",
    "||": "or",
    "|": "or",
    "AND": "and",
    "OR": "or",
    "is": "=",
    "eq": "=",
    "ne": "!=",
    "<>": "!=",
    "~": "regex",
    "=~": "regex",
    "~=": "regex",
    "like": "glob",
    "matches": "regex",
    "has": "contains",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "=>": ">=",
    "=<": "<=",
    "=!": "!=",
    "!": "not",
    "NOT": "not",
}
"""Words of other languages."""


def for_operator(text: str, position: int, operators: Iterable[str]) -> str:
    """A hint where an operator was expected."""
    word = _word(text, position)
    if not word:
        return "a field is compared with something; 'exists' asks only whether it is there"
    if word in {"not", "NOT", "!"}:
        return "write 'not' before the field"
    if word in _ELSEWHERE:
        return f"did you mean '{_ELSEWHERE[word]}'?"
    return did_you_mean(word.lower(), operators)


def for_misspelt(text: str, position: int, operators: Collection[str]) -> tuple[str, str]:
    """The word at *position*, where an operator was read, and a hint if more stands there than the operator; or "", "".

    The beginning of a word is an operator to the parser: ``inn`` is ``in``, and then the value ``n``.
    """
    word = _word(text, position)
    if not word or word in operators:
        return "", ""
    hint = f"did you mean '{_ELSEWHERE[word]}'?" if word in _ELSEWHERE else did_you_mean(word.lower(), operators)
    return (word, hint) if hint else ("", "")


def for_check(text: str, position: int) -> str:
    """A hint where a field or a macro was expected."""
    if text.startswith("!", position):
        return "did you mean 'not'?"
    word = _word(text, position)
    return f"did you mean '{_ELSEWHERE[word]}'?" if word in _ELSEWHERE else ""


def for_connective(text: str, position: int, last: str = "") -> str:
    """A hint where a condition could have ended, *last* being the token before."""
    word = _word(text, position)
    if found := _GLUED.search(last):
        return f"did you mean ' {_ELSEWHERE[found[0]]} '? Quote the value if '{found[0]}' belongs to it"
    if word in _ELSEWHERE:
        return f"did you mean '{_ELSEWHERE[word]}'?"
    if text.startswith(",", position):
        return "several values are a list: in (a, b)"
    return did_you_mean(word, ("and", "or")) if word else ""


def for_string(text: str, position: int) -> str:
    """A hint where a value was expected."""
    if text.startswith(('"', "'"), position):
        return "the quoted string does not end; a backslash before the last quote makes it part of the string"
    if text.startswith("(", position):
        return "compare with several values by 'in (a, b)' or '= anyof (a, b)'"
    if text.startswith("=", position):
        return "'=' and '==' mean the same; quote a value that begins with '='"
    return ""


def for_list(text: str, position: int) -> str:
    """A hint where a list could have ended."""
    if text.startswith("(", position):
        return "a list holds values only: no lists, no transformers"
    return "values are separated by commas; those with blanks, '=' or parentheses are quoted"


def _word(text: str, position: int) -> str:
    found = _WORD.match(text, position)
    return found[0] if found else ""
