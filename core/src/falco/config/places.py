"""Places in a configuration, and faults that name theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from falco.documents.diagnostics import excerpt
from falco.documents.nodes import ScalarNode, Span
from falco.documents.source import SourceFile
from falco.documents.terminal import visible
from falco.errors import ConfigError

OPTION: Final = "-o "
"""How the name of the text begins that an option gives to a key."""
MOST: Final = 100
"""Problems of one configuration that are shown."""
_SHOWN: Final = 80
"""Characters of a text out of a configuration that a sentence repeats."""


class PlacedError(ConfigError):
    """A configuration cannot be used because of what stands at *span*; *message* names key and place."""

    def __init__(self, span: Span, message: str) -> None:
        super().__init__(message)
        self.span = span


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a configuration that is passed over: where it stands and what happens instead."""

    span: Span
    message: str

    def __str__(self) -> str:
        return f"{place(self.span)}: {self.message}"


def place(span: Span) -> str:
    """``file:line:column``, counted from 1; of a value of ``-o`` the option, and the character within an object."""
    if not span.file.startswith(OPTION):
        return f"{span.file}:{span.start.line + 1}:{span.start.column + 1}"
    return f"{span.file}, character {span.start.index + 1}" if span.start.index else span.file


def with_excerpt(sentence: object, span: Span, sources: Mapping[str, SourceFile]) -> str:
    """*sentence* and, below it, the line of *span* with a caret, if it stands in one of the *sources* (by name)."""
    source = sources.get(span.file)
    return str(sentence) if source is None else "\n".join([str(sentence), *excerpt(span, source)])


@dataclass(frozen=True, slots=True)
class Findings:
    """What comes to light while a configuration is read."""

    sources: dict[str, SourceFile] = field(default_factory=dict)
    """The texts that were read, by the name that places give them."""
    problems: list[Problem] = field(default_factory=list)

    errors: list[PlacedError] = field(default_factory=list)
    """What makes it useless."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise what was found in the block, everything with its line and a caret, if any of it is an error.

        Raises:
            ConfigError: Something is; also in place of a ``PlacedError`` that ends the block.
        """
        try:
            yield
        except PlacedError as error:
            self.errors.append(error)
        if self.errors:
            found: tuple[PlacedError | Problem, ...] = (*self.errors, *self.problems)
            shown = [with_excerpt(one, one.span, self.sources) for one in found[:MOST]]
            raise ConfigError("\n".join([*shown, *further(found)])) from None


def further(problems: Sequence[object]) -> list[str]:
    """The sentence about the problems that are too many to be shown, if there are any."""
    more = len(problems) - MOST
    return [f"{more:,} further problems of the configuration are not shown"] if more > 0 else []


def quoted(node: ScalarNode) -> str:
    """The text of *node* for a sentence, on one line, cut, and the environment variables that it was made of."""
    return f"'{short(node.text)}'{f' ({node.origin})' if node.origin else ''}"


def short(text: str) -> str:
    """*text* for a sentence: on one line, cut."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return visible(cut.replace("\n", "\\n"))
