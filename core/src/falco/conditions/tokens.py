"""Tokens of the condition language, tried one by one where the parser stands.

There is no token stream: ``in`` is an operator, a macro or a value depending on what came before, so the parser asks
for what it can use.
"""

from __future__ import annotations

import re
from typing import Final

from falco.conditions.errors import ConditionError
from falco.conditions.escaping import EscapeError, unescape
from falco.documents.text import Extent, Text

BLANK: Final = re.compile("[ \t\b\r\n]+")
NOT: Final = re.compile("not[ \t\n\r\f\v]+")
IDENTIFIER: Final = re.compile("[a-zA-Z]+[a-zA-Z0-9_]*")
FIELD: Final = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
TEMPLATE_FIELD: Final = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)+")
"""In output templates a segment may start with a digit: ``evt.arg.0``."""
BARE_ARGUMENT: Final = re.compile(r"[^\]\[\"' \t\n\r\f\v]+")
NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[+\-]?[0-9]+[.]?[0-9]*(?:[eE][+\-][0-9]+)?")
BARE_STRING: Final = re.compile("[^()\"' \t\n\r\f\v=,]+")
_WORD: Final = re.compile("[a-zA-Z0-9_.]+|.", re.DOTALL)


class Scanner:
    """A place in a text that moves forward as tokens are taken."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.string = str(text)
        self.position = 0
        self.last = ""
        """The token taken last, without blanks; quoted strings by their meaning."""

    @property
    def at_end(self) -> bool:
        """Whether everything has been taken."""
        return self.position == len(self.string)

    def blank(self) -> bool:
        """Take blanks; whether there was one."""
        found = BLANK.match(self.string, self.position)
        if found is None:
            return False
        self.position = found.end()
        return True

    def take(self, literal: str) -> bool:
        """Take *literal* if the text goes on with it, whatever follows."""
        if not self.string.startswith(literal, self.position):
            return False
        self.position += len(literal)
        self.last = literal
        return True

    def take_word(self, word: str) -> bool:
        """Take *word* and the blanks after it; nothing if no blank follows."""
        if not self.string.startswith(word, self.position):
            return False
        blank = BLANK.match(self.string, self.position + len(word))
        if blank is None:
            return False
        self.position = blank.end()
        self.last = word
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Take what *pattern* matches here."""
        found = pattern.match(self.string, self.position)
        if found is None:
            return None
        self.position = found.end()
        self.last = found[0]
        return self.last

    def peek(self, pattern: re.Pattern[str]) -> str | None:
        """What *pattern* matches here; nothing is taken."""
        found = pattern.match(self.string, self.position)
        return None if found is None else found[0]

    def quoted(self) -> str | None:
        """Take a quoted string and give its meaning; None if there is none or it does not end.

        Raises:
            ConditionError: An escape sequence in it means nothing.
        """
        start = self.position
        quote = self.string[start : start + 1]
        if quote not in {'"', "'"}:
            return None
        end = self.string.find(quote, start + 1)
        while end > 0 and self.string[end - 1] == "\\":  # whether that backslash is itself escaped does not matter
            end = self.string.find(quote, end + 1)
        if end < 0:
            return None
        self.position = end + 1
        try:
            self.last = unescape(self.string[start + 1 : end], quote)
        except EscapeError as error:
            where = self.extent(start + 1 + error.start, start + 1 + error.end)
            hint = "write two backslashes for a backslash"
            raise ConditionError(str(error), where, hint, reported_at=self.position) from None
        return self.last

    def extent(self, start: int, end: int | None = None) -> Extent:
        """From *start* to *end*, or to here."""
        return Extent(self.text, start, self.position if end is None else end)

    def error(self, message: str, hint: str = "") -> ConditionError:
        """*message* about the word that stands here."""
        word = self.peek(_WORD) or ""
        return ConditionError(message, self.extent(self.position, self.position + len(word)), hint)
