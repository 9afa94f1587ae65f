"""Decodes the values of keys, with Falco's idea of booleans and numbers and its sentences when they are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from falco.documents import scalars
from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span
from falco.documents.suggestions import did_you_mean
from falco.rules.codes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falco.documents.source import SourceFile
    from falco.documents.text import Text
    from falco.rules.faults import RuleFault, Where

_INVALID: Final = ErrorCode.LOAD_ERR_YAML_VALIDATE
_BOOLEANS: Final = {
    spelling: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
"""upstream: yaml-cpp's conversion to bool."""
_UNSIGNED: Final = re.compile(r"\s*\+?(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))\s*")
"""upstream: yaml-cpp reads numbers as C++ streams do: 010 is eight, 0x1f thirty-one."""
MAX_UINT32: Final = 2**32 - 1


def boolean(text: str) -> bool | None:
    """What *text* means as a boolean; None if it is none."""
    return _BOOLEANS.get(text)


def uint32(text: str) -> int | None:
    """What *text* means as a number without sign; None if it is none or too large for 32 bits."""
    found = _UNSIGNED.fullmatch(text)
    if found is None:
        return None
    digits, base = next(
        (found[name], base) for name, base in (("hex", 16), ("octal", 8), ("decimal", 10)) if found[name]
    )
    number = int(digits, base) if len(digits) <= 12 else MAX_UINT32 + 1
    return number if number <= MAX_UINT32 else None


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a mapping's keys; every fault is reported where *where* says."""

    node: MappingNode
    source: SourceFile
    where: Where

    def __contains__(self, key: str) -> bool:
        return self.node.get(key) is not None

    def span(self, key: str) -> Span:
        """Where the value of *key* stands; the mapping where the key is missing."""
        value = self.node.get(key)
        return self.node.span if value is None else value.span

    def _missing(self, key: str) -> RuleFault:
        """That there is no *key*, with the line of the key that may be a misspelling of it."""
        for written, _ in self.node.pairs:
            if isinstance(written, ScalarNode) and did_you_mean(written.text, (key,), cutoff=0.75):
                hint = f"is '{written.text}' in line {written.span.start.line + 1} meant to be '{key}'?"
                return self.where.error(_INVALID, f"Item has no mapping for key '{key}'", hint=hint)
        return self.where.error(_INVALID, f"Item has no mapping for key '{key}'")

    def scalar(self, key: str) -> ScalarNode:
        """The value of *key*: a scalar with text.

        Raises:
            RuleFault: The key is missing, or its value is nothing or something else.
        """
        value = self.node.get(key)
        if value is None:
            raise self._missing(key)
        if isinstance(value, ScalarNode) and value.is_null:
            raise self.where.error(_INVALID, f"Mapping for key '{key}' is empty", place=value.span)
        return scalar(value, self.where, key)

    def text(self, key: str) -> Text:
        """The value of *key* with its origins. Raises as ``scalar`` does."""
        return scalars.to_text(self.scalar(key), self.source)

    def optional_str(self, key: str, default: str) -> str:
        """The value of *key*, *default* where it is missing. Raises as ``scalar`` does."""
        return self.scalar(key).text if key in self else default

    def boolean(self, key: str) -> bool:
        """The value of *key* as a boolean. Raises as ``scalar`` does, and when it is none."""
        value = self.scalar(key)
        answer = boolean(value.text)
        if answer is None:
            hint = f"write 'true' or 'false' instead of '{value.text}'"
            raise self._part(key).error(_INVALID, "Can't decode YAML scalar value", hint=hint)
        return answer

    def optional_boolean(self, key: str, *, default: bool) -> bool:
        """The value of *key* as a boolean, *default* where it is missing."""
        return self.boolean(key) if key in self else default

    def uint32(self, key: str) -> int:
        """The value of *key* as a number from 0 to 2^32-1. Raises as ``scalar`` does, and when it is none."""
        value = self.scalar(key)
        answer = uint32(value.text)
        if answer is None:
            hint = f"write a whole number from 0 to {MAX_UINT32} instead of '{value.text}'"
            raise self._part(key).error(_INVALID, "Can't decode YAML scalar value", hint=hint)
        return answer

    def sequence(self, key: str) -> Iterator[ScalarNode]:
        """The items of the sequence at *key*: scalars, some perhaps empty.

        Raises:
            RuleFault: The key is missing, its value is no sequence, or an item is no scalar.
        """
        value = self.node.get(key)
        if value is None:
            raise self._missing(key)
        part = self._part(key)
        if not isinstance(value, SequenceNode):
            raise part.error(_INVALID, "Value is not a sequence")
        for item in value.items:
            if not isinstance(item, ScalarNode) or item.is_null:
                raise part.into("list item", "", item.span).error(_INVALID, "sequence value is not scalar")
            yield item

    def _part(self, key: str) -> Where:
        return self.where.into("value for", key, self.span(key))


def scalar(value: Node, where: Where, key: str = "") -> ScalarNode:
    """The scalar that *value* is.

    Raises:
        RuleFault: It is none, or an empty text.
    """
    part = where.into("value for", key, value.span)
    if not isinstance(value, ScalarNode):
        raise part.error(_INVALID, "Value is not a scalar value")
    if not value.text:
        raise part.error(_INVALID, "Value must be non-empty")
    return value
