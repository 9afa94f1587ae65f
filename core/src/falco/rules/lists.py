"""Lists: their items, and the replacement of their names in conditions.

A name of a list is replaced in the text of a condition, before it is parsed, wherever it stands between
delimiters (rules-language.md §5).
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from falco.documents.nodes import Span
from falco.documents.text import Segment, Text, Written
from falco.rules.codes import ErrorCode
from falco.rules.collection import CollectedList
from falco.rules.faults import Where

MAX_ITEMS: Final = 1_000_000
"""Items of one list after other lists were put in."""
MAX_CONDITION: Final = 4_000_000
"""Characters of a condition after lists were put in."""

_BLANKS: Final = " \t\n\r"
_DELIMITERS: Final = _BLANKS + "(),="
_WORD: Final = re.compile(r"[^ \t\n\r(),=]+")
_BLANK: Final = Text.of(" ", "list")


@dataclass(slots=True)
class ResolvedList:
    """A list with the items of other lists put in, one level deep as in Falco."""

    collected: CollectedList
    items: tuple[str, ...]
    lists: tuple[str, ...]
    """Names of the lists that were put in, sorted."""
    is_used: bool = False
    text: str = field(init=False)
    """The items as they are put into a condition."""

    def __post_init__(self) -> None:
        # upstream: no comma after an empty beginning
        self.text = ", ".join(map(_quoted, itertools.dropwhile(lambda item: not item, self.items)))

    @property
    def name(self) -> str:
        """The name of the list."""
        return self.collected.name


def resolve(collected: Mapping[str, CollectedList]) -> dict[str, ResolvedList]:
    """The lists in the order of their definition.

    Raises:
        RuleFault: A list has too many items.
    """
    resolved: dict[str, ResolvedList] = {}
    used: set[str] = set()
    for current in collected.values():
        items: list[str] = []
        inner: set[str] = set()
        for item in current.items:
            other = collected.get(item)
            if other is None or other.index >= current.visibility:
                items.append(item)
                continue
            inner.add(other.name)
            items += other.items
            if len(items) > MAX_ITEMS:
                message = f"List '{current.name}' has more than {MAX_ITEMS:,} items with those of other lists"
                raise current.where.error(ErrorCode.LOAD_ERR_VALIDATE, message)
        used |= inner
        resolved[current.name] = ResolvedList(current, tuple(items), tuple(sorted(inner)))
    for name in used:
        resolved[name].is_used = True
    return resolved


class ListNames:
    """Finds which lists a text names, without a search for each."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: number for number, name in enumerate(names)}
        self._names = list(self._order)
        self._odd = [number for name, number in self._order.items() if not _WORD.fullmatch(name)]
        """Names with a delimiter inside (there is a warning about them)."""

    def found(self, text: str, after: int = -1) -> set[int]:
        """Numbers greater than *after* of the lists that *text* may name."""
        words = {number for word in set(_WORD.findall(text)) if (number := self._order.get(word, -1)) > after}
        return words | {number for number in self._odd if number > after and self._names[number] in text}

    def __getitem__(self, number: int) -> str:
        return self._names[number]


def substitute(text: Text, lists: Mapping[str, ResolvedList], names: ListNames, where: Where) -> tuple[Text, list[str]]:
    """*text* with the items of *lists* for their names, and the names of those that it names.

    Lists are put in one after another in the order of their definition, so a later one is found in the items
    of an earlier one.

    Raises:
        RuleFault: The text becomes too long.
    """
    used: list[str] = []
    pending = sorted(names.found(str(text)))
    while pending:
        number = heapq.heappop(pending)
        resolved = lists[names[number]]
        places = list(_occurrences(str(text), resolved.name))
        if not places:
            continue
        used.append(resolved.name)
        if len(str(text)) + len(resolved.text) * len(places) > MAX_CONDITION:
            message = f"The condition has more than {MAX_CONDITION:,} characters with the items of its lists"
            raise where.error(ErrorCode.LOAD_ERR_VALIDATE, message)
        text = _replaced(text, places, resolved)
        for further in names.found(resolved.text, number):
            if further not in pending:
                heapq.heappush(pending, further)
    return text, used


def _occurrences(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Start and end of *name* in *text* where delimiters or the text's ends surround it."""
    if not name:
        return
    start = text.find(name)
    while start != -1:
        end = start + len(name)
        if (start == 0 or text[start - 1] in _DELIMITERS) and (end == len(text) or text[end] in _DELIMITERS):
            yield start, end
            start = end - 1
        start = text.find(name, start + 1)


def _replaced(text: Text, places: list[tuple[int, int]], resolved: ResolvedList) -> Text:
    """*text* with the items of the list at *places*, blanks around them made one."""
    content = str(text)
    pieces: list[Text] = []
    done = 0
    for name_start, name_end in places:
        start, end = name_start, name_end
        while start > done and content[start - 1] in _BLANKS:
            start -= 1
        while end < len(content) and content[end] in _BLANKS:
            end += 1
        if not resolved.text:
            if start > done and content[start - 1] == ",":
                start -= 1
            elif end < len(content) and content[end] == ",":
                end += 1
        if start > done:
            pieces += [text.cut(done, start), _BLANK]
        pieces += [_placed(resolved, text, name_start), _BLANK]
        done = end
    pieces.append(text.cut(done, len(content)))
    return Text.join(pieces)


def _placed(resolved: ResolvedList, text: Text, position: int) -> Text:
    """The items as they are put in, all standing where the name of the list stands in *text*."""
    listed = resolved.collected.where.place
    note = f"from list `{resolved.name}`"
    if isinstance(listed, Span):
        note = f"{note}, {listed.file}:{listed.start.line + 1}"
    found = text.written(position)
    if found is None:
        return Text.of(resolved.text, note)
    origin, index = found
    offsets = (index,) * (len(resolved.text) + 1)
    return Text((Segment(resolved.text, Written(origin.span, offsets, note)),))


def _quoted(item: str) -> str:
    """*item* in quotes if it has a blank and does not start with one; nothing is escaped."""
    return f'"{item}"' if " " in item and item[0] not in "\"'" else item
