"""Did-you-mean: what a person who wrote this probably wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from falco.documents.suggestions import did_you_mean

_WORD: Final = re.compile(r"[a-zA-Z_]+|[=!<>~&|]+")
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
}
"""Words of other languages."""


def for_operator(text: str, position: int, operators: Iterable[str]) -> str:
    """A hint where an operator was expected."""
    word = _word(text, position)
    if not word:
        return "a field is compared with something; 'exists' asks only whether it is there"
    if word == "not":
        return "write 'not' before the field"
    if word in _ELSEWHERE:
        return f"did you mean '{_ELSEWHERE[word]}'?"
    return did_you_mean(word.lower(), operators)


def for_connective(text: str, position: int) -> str:
    """A hint where a condition could have ended."""
    word = _word(text, position)
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
