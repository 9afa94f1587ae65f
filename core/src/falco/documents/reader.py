"""Reads YAML into nodes that know their places.

One reader for rule files and falco.yaml.  The parser of libyaml delivers events; the tree is built here, with
a stack of our own, because every ready-made composer recurses (and dies) on deeply nested input.  Files are
hostile: size, depth and what aliases multiply are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode
from falco.documents.source import SourceFile
from falco.errors import FalcoError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 10_000_000
"""Size of one file."""
MAX_DEPTH: Final = 100
"""Collections inside one another. upstream: yaml-cpp accepts 300, but not 2,000; no rule needs ten."""
MAX_ALIASES: Final = 1_000
"""Aliases of one document, those inside of what an alias stands for included."""
MAX_ALIASED_NODES: Final = 1_000_000
"""Nodes that the aliases of one document stand for."""

_UNREADABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLES: Final = {style.value or None: style for style in ScalarStyle}


class DocumentError(FalcoError):
    """The file is not a YAML document that can be read; ``str()`` has the place and the sentence.

    Args:
        message: The sentence.
        source: The file, as far as it could be read.
        start: Index of the first character that is wrong.
        end: Index after the last one.
    """

    def __init__(self, message: str, source: SourceFile, start: int, end: int) -> None:
        self.span = source.span(start, end)
        super().__init__(f"{source.name}:{self.span.start.line + 1}:{self.span.start.column + 1}: {message}")
        self.message = message
        self.source = source


def read(data: bytes, file: str) -> list[Node]:
    """Nodes of the documents in *data*, one each; *file* is the name that messages use.

    Scalars stay text, merge keys are ordinary keys, repeated keys are kept.

    Raises:
        DocumentError: *data* is not UTF-8, not YAML, or beyond a limit.
    """
    return parse(decode(data, file))


def decode(data: bytes, file: str) -> SourceFile:
    """The text of a file, without its byte order mark.

    Raises:
        DocumentError: *data* is too large, not UTF-8, or holds characters that YAML does not allow.
    """
    if len(data) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES:,} bytes, it is not read: split it"
        raise DocumentError(message, SourceFile(file, ""), 0, 0)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = len(data[: error.start].decode("utf-8-sig"))
        message = f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        source = SourceFile(file, data.decode("utf-8-sig", errors="replace"))
        raise DocumentError(message, source, start, start) from None
    source = SourceFile(file, text)
    if found := _UNREADABLE.search(text):
        name = "a NUL character" if found[0] == "\0" else f"the character U+{ord(found[0]):04X}"
        message = f"{name} cannot stand in a YAML file: write it as an escape in double quotes or remove it"
        raise DocumentError(message, source, found.start(), found.end())
    return source


def parse(source: SourceFile) -> list[Node]:
    """Nodes of the documents of *source*, one each.

    Raises:
        DocumentError: It is not YAML, or beyond a limit.
    """
    documents: list[Node] = []
    builder = _Builder(source)
    for event in _events(source):
        match event:
            case yaml.DocumentStartEvent():
                builder = _Builder(source)
            case yaml.DocumentEndEvent():
                documents.append(builder.root())
            case yaml.NodeEvent() | yaml.CollectionEndEvent():
                builder.add(event)
            case _:
                pass  # start and end of the stream
    return documents


def _events(source: SourceFile) -> Iterator[Any]:
    loader = yaml.CLoader(source.text)
    try:
        while loader.check_event():
            yield loader.get_event()
    except yaml.MarkedYAMLError as error:
        sentence = ": ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        index = min(mark.index, len(source.text)) if mark else 0
        hint = ": indent with blanks" if source.text.startswith("\t", index) else ""
        raise DocumentError(f"not YAML: {sentence}{hint}", source, index, index) from None
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML: {error}", source, 0, 0) from None
    finally:
        loader.dispose()


class _Built(NamedTuple):
    """A finished node and what it weighs: levels of collections, nodes, aliases inside."""

    node: Node
    height: int
    nodes: int
    aliases: int


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    is_mapping: bool
    start: int
    end: int
    anchor: str | None
    is_flow: bool
    children: list[Node] = field(default_factory=list)
    height: int = 0
    nodes: int = 1
    aliases: int = 0


class _Builder:
    """Builds the tree of one document out of events."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, _Built | None] = {}
        """None: the anchored collection is still open."""
        self._root: Node | None = None
        self._aliases = 0
        self._aliased_nodes = 0

    def root(self) -> Node:
        """The finished tree."""
        if self._root is None:
            raise AssertionError("libyaml ended a document without a node")
        return self._root

    def add(self, event: Any) -> None:
        """Take the next event of the document."""
        start, end = event.start_mark.index, event.end_mark.index
        match event:
            case yaml.ScalarEvent():
                scalar = ScalarNode(event.value, _STYLES[event.style or None], self._source.span(start, end))
                self._finish(_Built(scalar, 0, 1, 0), end, event.anchor)
            case yaml.AliasEvent():
                self._finish(self._aliased(str(event.anchor), start, end), end, None)
            case yaml.CollectionStartEvent():
                if len(self._open) >= MAX_DEPTH:
                    raise self._error(f"collections are nested more than {MAX_DEPTH} levels deep", start, end)
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                self._open.append(_Open(is_mapping, start, end, event.anchor, bool(event.flow_style)))
                if event.anchor is not None:
                    self._anchors[event.anchor] = None
            case _:
                self._close(end)

    def _close(self, end: int) -> None:
        done = self._open.pop()
        children = done.children
        if not done.is_flow:
            end = done.end  # the event of a block collection ends where the next token starts
        span = self._source.span(done.start, end)
        node: Node
        if done.is_mapping:
            node = MappingNode(tuple(zip(children[::2], children[1::2], strict=True)), span)
        else:
            node = SequenceNode(tuple(children), span)
        self._finish(_Built(node, done.height + 1, done.nodes, done.aliases), end, done.anchor)

    def _aliased(self, name: str, start: int, end: int) -> _Built:
        if name not in self._anchors:
            raise self._error(f"alias '*{name}' has no anchor '&{name}' before it", start, end)
        built = self._anchors[name]
        if built is None:
            raise self._error(f"alias '*{name}' stands inside of what it stands for", start, end)
        self._aliases += 1 + built.aliases
        self._aliased_nodes += built.nodes
        if self._aliases > MAX_ALIASES or self._aliased_nodes > MAX_ALIASED_NODES:
            limit = f"{MAX_ALIASES:,} aliases or {MAX_ALIASED_NODES:,} aliased nodes"
            raise self._error(f"aliases expand to more than {limit}", start, end)
        if len(self._open) + built.height > MAX_DEPTH:
            raise self._error(f"collections are nested more than {MAX_DEPTH} levels deep", start, end)
        return built._replace(aliases=built.aliases + 1)

    def _finish(self, built: _Built, end: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = built
        if not self._open:
            self._root = built.node
            return
        parent = self._open[-1]
        parent.children.append(built.node)
        parent.height = max(parent.height, built.height)
        parent.nodes += built.nodes
        parent.aliases += built.aliases
        parent.end = max(parent.end, end)

    def _error(self, message: str, start: int, end: int) -> DocumentError:
        return DocumentError(message, self._source, start, end)
