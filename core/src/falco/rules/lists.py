"""Lists: their items, and the replacement of their names in conditions.

A name of a list is replaced in the text of a condition, before it is parsed, wherever it stands between
delimiters (rules-language.md §5).
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from falco.documents.nodes import Span
from falco.documents.text import Generated, Segment, Text, Written
from falco.rules.codes import ErrorCode
from falco.rules.collection import CollectedList
from falco.rules.faults import Where

MAX_ITEMS: Final = 1_000_000
"""Items of one list after other lists were put in."""
MAX_CONDITION: Final = 4_000_000
"""Characters of a condition after lists were put in."""

_BLANKS: Final = " \t\n\r"
_DELIMITERS: Final = _BLANKS + "(),="
_WORD: Final = re.compile(rf"[^{_DELIMITERS}]+")


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
    """Finds the names of lists in texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self._odd = [name for name in self._numbers if name and not _WORD.fullmatch(name)]
        """Names with a delimiter inside (there is a warning about them)."""

    def number(self, name: str) -> int:
        """The place of the list *name* in the order of definition; -1 if there is no such list."""
        return self._numbers.get(name, -1)

    def words(self, text: str) -> re.Pattern[str]:
        """What matches the words of *text* and of the lists in it, names with a delimiter inside as one word."""
        odd = [name for name in self._odd if name in text]
        if not odd:
            return _WORD
        names = "|".join(re.escape(name) for name in sorted(odd, key=len, reverse=True))
        return re.compile(rf"(?<![^{_DELIMITERS}])(?:{names})(?![^{_DELIMITERS}])|{_WORD.pattern}")

    def any_in(self, text: str) -> bool:
        """Whether *text* names a list."""
        return any(self.number(found[0]) >= 0 for found in self.words(text).finditer(text))


def substitute(text: Text, lists: Mapping[str, ResolvedList], names: ListNames, where: Where) -> tuple[Text, set[str]]:
    """*text* with the items of *lists* for their names, and the names of those that were put in.

    upstream: lists are put in one after another in the order of their definition, so a later one is found in the
    items of an earlier one, but not the other way round.

    Raises:
        RuleFault: The text becomes too long.
    """
    if not names.any_in(str(text)):
        return text, set()
    return _Substitution(text, lists, names, where).run()


@dataclass(slots=True)
class _Frame:
    """A text whose words are being replaced: the condition, or inside of it the items of a list."""

    text: str
    words: Iterator[re.Match[str]]
    number: int
    """Only lists with a higher number are put in."""
    name: str
    """The list; "" for the condition."""
    place: int
    """Where in the condition the items go."""
    done: int = 0
    """What is before this was read."""


class _Substitution:
    """One run over a condition, left to right, with a stack of what is being read."""

    def __init__(self, text: Text, lists: Mapping[str, ResolvedList], names: ListNames, where: Where) -> None:
        self._text = text
        self._content = str(text)
        self._lists = lists
        self._names = names
        self._where = where
        self._frames: list[_Frame] = []
        self._pieces: list[tuple[str, int, str]] = []
        """Text, its place in the condition, and the list it comes from ("": it stands there)."""
        self._used: set[str] = set()
        self._read = 0

    def run(self) -> tuple[Text, set[str]]:
        """The text and the names of the lists in it."""
        self._open(self._content, -1, "", 0)
        while self._frames:
            frame = self._frames[-1]
            found = next((word for word in frame.words if self._names.number(word[0]) > frame.number), None)
            self._copy(frame, len(frame.text) if found is None else found.start())
            if found is None:
                self._frames.pop()
                continue
            frame.done = found.end()
            self._put_in(self._lists[found[0]], frame, found.start())
        return self._assembled(), self._used

    def _open(self, text: str, number: int, name: str, place: int) -> None:
        self._read += len(text)
        if self._read > MAX_CONDITION:
            message = f"The condition has more than {MAX_CONDITION:,} characters with the items of its lists"
            raise self._where.error(ErrorCode.LOAD_ERR_VALIDATE, message)
        self._frames.append(_Frame(text, self._names.words(text).finditer(text), number, name, place))

    def _copy(self, frame: _Frame, end: int) -> None:
        if frame.done < end:
            place = frame.place if frame.name else frame.done
            self._pieces.append((frame.text[frame.done : end], place, frame.name))
            frame.done = end

    def _put_in(self, resolved: ResolvedList, frame: _Frame, start: int) -> None:
        """Put the items where a name stood, the blanks around it made one."""
        self._used.add(resolved.name)
        place = frame.place if frame.name else start
        last = self._strip()
        following = self._skip(_BLANKS)
        if not resolved.text:  # a comma beside an empty list goes too
            if last == ",":
                text, at, name = self._pieces.pop()
                self._pieces.append((text[:-1], at, name))
            elif following == ",":
                self._frames[-1].done += 1
        if any(piece for piece, _, _ in self._pieces[:1]):
            self._pieces.append((" ", place, resolved.name))
        self._open(resolved.text + " ", self._names.number(resolved.name), resolved.name, place)

    def _strip(self) -> str:
        """Take the blanks off the end of what was copied; answers with the character that is last now."""
        while self._pieces:
            text, place, name = self._pieces.pop()
            if text := text.rstrip(_BLANKS):
                self._pieces.append((text, place, name))
                return text[-1]
        return ""

    def _skip(self, blanks: str) -> str:
        """Skip blanks in what is to be read; answers with the character that is next now."""
        while self._frames:
            frame = self._frames[-1]
            while frame.done < len(frame.text) and frame.text[frame.done] in blanks:
                frame.done += 1
            if frame.done < len(frame.text):
                return frame.text[frame.done]
            if len(self._frames) == 1:
                return ""
            self._frames.pop()
        return ""

    def _assembled(self) -> Text:
        """The pieces with their origins."""
        starts = list(itertools.accumulate((len(segment.text) for segment in self._text.segments), initial=0))
        segments: list[Segment] = []
        for text, place, name in self._pieces:
            first = bisect_right(starts, place) - 1
            if name:
                segments.append(self._listed(text, place, name, starts, first))
                continue
            end = place + len(text)
            for number in range(first, bisect_left(starts, end)):
                start = starts[number]
                segment = self._text.segments[number]
                segments.append(segment.cut(max(place - start, 0), min(end - start, len(segment.text))))
        return Text(tuple(segments))

    def _listed(self, text: str, place: int, name: str, starts: list[int], number: int) -> Segment:
        """Items of the list *name*, all standing where a name stood at *place* in the condition."""
        listed = self._lists[name].collected.where.place
        note = f"from list `{name}`"
        if isinstance(listed, Span):
            note = f"{note}, {listed.file}:{listed.start.line + 1}"
        origin = self._text.segments[number].origin
        if isinstance(origin, Generated):
            return Segment(text, Generated(note))
        index = origin.index(place - starts[number])
        return Segment(text, Written(origin.span, (index,) * (len(text) + 1), note))


def _quoted(item: str) -> str:
    """*item* in quotes if it has a blank and does not start with one; nothing is escaped."""
    return f'"{item}"' if " " in item and item[0] not in "\"'" else item
