"""The files behind a configuration: the main file, what it includes, and ``-o`` on top.

Everything stays a tree of nodes with places, so that ``config.convert`` can say where a wrong value stands.
Merging looks at top-level keys only, as upstream does: an included ``http_output`` replaces the whole section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from falco.config import paths
from falco.config.environment import Verbatim, expand
from falco.config.paths import place
from falco.documents import reader
from falco.documents.nodes import MappingNode, Mark, Node, ScalarNode, ScalarStyle, SequenceNode, Span, is_null
from falco.errors import ConfigError

INCLUDES = "config_files"
"""The key of the main file that names further files; ``-o`` may set it too."""


class Strategy(Enum):
    """What an included file does to keys that are set already."""

    APPEND = "append"
    """Sequences are joined, everything else is replaced."""
    OVERRIDE = "override"
    ADD_ONLY = "add-only"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a configuration that is passed over: where it stands and what happens instead."""

    span: Span
    message: str

    def __str__(self) -> str:
        return f"{place(self.span)}: {self.message}"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file that was read; *name* as the user wrote it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Merged:
    """The tree that counts, the files it came from in order of reading, and what was passed over."""

    root: MappingNode
    files: tuple[ConfigFile, ...]
    problems: tuple[Problem, ...] = ()


def merge(
    main: ConfigFile, options: Sequence[str], *, cwd: Path, env: Mapping[str, str], is_shown: bool = False
) -> Merged:
    """Read what *main* includes and put *options* (``key=value``) on top.

    Relative names of included files start at *cwd*, as upstream; files that do not exist are passed over. Of what
    *is_shown* only, variables stay as they are written; those of *env* are in the names of included files alone.

    Raises:
        ConfigError: A file cannot be read, is not YAML or includes what it must not; an option is malformed.
    """
    problems: list[Problem] = []
    parsed = [_option(text) for text in options]
    values = Verbatim() if is_shown else env
    root = _mapping(_tree(main, values, problems), problems)
    for key, value in parsed:
        if _sets_includes(key):
            root = _put(root, key, value)
    files = [main]
    including = expand(root, env) if is_shown else root
    for name, strategy in _includes(_mapping(including, problems), problems):
        for path in _files_of(name, cwd):
            if path.resolve() == (cwd / main.name).resolve():
                raise ConfigError(
                    f"Config error: '{INCLUDES}' directive tries to recursively include main config file {name}."
                )
            included = read_file(str(path.relative_to(cwd) if path.is_relative_to(cwd) else path), cwd)
            tree = _mapping(_tree(included, values, problems), problems)
            if tree.get(INCLUDES) is not None:
                raise ConfigError(f"Config error: '{INCLUDES}' directive in included config file {included.name}.")
            root = _merged(root, tree, strategy)
            files.append(included)
    for key, value in parsed:
        if not _sets_includes(key):
            root = _put(root, key, value)
    return Merged(root, tuple(files), tuple(problems))


def read_file(name: str, cwd: Path) -> ConfigFile:
    """The configuration file *name*.

    Raises:
        ConfigError: It does not exist or cannot be read.
    """
    path = cwd / name
    if not path.exists():
        raise ConfigError(f"Could not find configuration file at {name}")
    try:
        return ConfigFile(name, path.read_bytes())
    except OSError as error:
        raise ConfigError(f"Cannot read config file ({name}): {error.strerror}") from None


def _tree(file: ConfigFile, env: Mapping[str, str], problems: list[Problem]) -> Node | None:
    """The first document of *file* that is not empty, variables replaced; None when there is none."""
    try:
        documents = reader.read(file.data, file.name)
    except reader.DocumentError as error:
        raise ConfigError(f"Cannot read config file ({file.name}): {error}") from None
    written = [document for document in documents if not is_null(document)]
    problems += [Problem(other.span, "a further document is ignored: one file, one document") for other in written[1:]]
    return expand(written[0], env) if written else None


def _mapping(node: Node | None, problems: list[Problem]) -> MappingNode:
    """*node* as the mapping a configuration is; a sequence counts as an empty one and is reported."""
    match node:
        case MappingNode():
            return node
        case ScalarNode() if not node.is_null:
            raise ConfigError(
                f'Config error at key "{INCLUDES}": {place(node.span)}: expected a mapping of keys, found the text '
                f"'{node.text}'"
            )
        case SequenceNode():
            problems.append(Problem(node.span, "a configuration is a mapping of keys, this sequence sets nothing"))
    nowhere = Mark(0, 0, 0)
    return MappingNode((), Span("", nowhere, nowhere) if node is None else node.span)


def _includes(root: MappingNode, problems: list[Problem]) -> Iterator[tuple[str, Strategy]]:
    """Names and strategies that the key ``config_files`` lists."""
    node = root.get(INCLUDES)
    items: tuple[Node, ...] = ()
    match node:
        case SequenceNode():
            items = node.items
        case ScalarNode() if not node.is_null:
            items = (node,)
        case MappingNode():
            problems.append(Problem(node.span, f"'{INCLUDES}' is a list of files, this mapping includes nothing"))
        case _:
            pass
    for item in items:
        match item:
            case ScalarNode():
                yield item.text, Strategy.APPEND
            case MappingNode():
                name = item.get("path")
                if not isinstance(name, ScalarNode):
                    raise ConfigError(f"{place(item.span)}: an entry of '{INCLUDES}' needs the key 'path'")
                yield name.text, _strategy(item, problems)
            case SequenceNode():
                raise ConfigError(f"{place(item.span)}: an entry of '{INCLUDES}' is a file name or a mapping")


def _strategy(item: MappingNode, problems: list[Problem]) -> Strategy:
    node = item.get("strategy")
    if node is None:
        return Strategy.APPEND
    text = node.text if isinstance(node, ScalarNode) else "…"
    try:
        return Strategy(text)
    except ValueError:
        known = ", ".join(strategy.value for strategy in Strategy)
        problems.append(Problem(node.span, f"unknown strategy '{text}' (known: {known}), 'append' is used"))
        return Strategy.APPEND


def _files_of(name: str, cwd: Path) -> list[Path]:
    """The file *name*, or the regular files directly in the directory *name*, sorted; [] when it does not exist."""
    path = cwd / name
    if path.is_dir():
        return sorted(entry for entry in path.iterdir() if entry.is_file())
    return [path] if path.exists() else []


def _merged(root: MappingNode, included: MappingNode, strategy: Strategy) -> MappingNode:
    pairs = dict[str, tuple[Node, Node]]()
    for key, value in root.pairs:
        if isinstance(key, ScalarNode):
            pairs.setdefault(key.text, (key, value))
    old = dict(pairs)
    for key, value in included.pairs:
        if not isinstance(key, ScalarNode):
            continue
        known = old.get(key.text)
        if known is None:
            pairs.setdefault(key.text, (key, value))
        elif strategy is Strategy.APPEND and isinstance(known[1], SequenceNode) and isinstance(value, SequenceNode):
            pairs[key.text] = (known[0], SequenceNode(known[1].items + value.items, known[1].span))
        elif strategy is not Strategy.ADD_ONLY:
            pairs[key.text] = (key, value)
    return MappingNode(tuple(pairs.values()), root.span)


def _option(text: str) -> tuple[str, Node]:
    """Key and value of ``key=value``. A value that starts with ``{`` and is a document is taken as such."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        message = f'Error parsing config option "{text}". Must be of the form key=val or key.subkey=val'
        raise ConfigError(message)
    file = f"-o {key}"
    if value.startswith("{"):
        try:
            documents = reader.read(value.encode("utf-8", "surrogateescape"), file)
        except reader.DocumentError:
            documents = []  # upstream too takes what is no object as text; who reads the key says if text will do
        if documents:
            return key, documents[0]
    span = Span(file, Mark(0, 0, 0), Mark(0, len(value), len(value)))
    plain = ScalarNode(value, ScalarStyle.PLAIN, span)  # a number is one, also where a text would be refused
    return key, ScalarNode(value, ScalarStyle.DOUBLE, span) if plain.is_null else plain


def _sets_includes(key: str) -> bool:
    return paths.parse(key)[:1] == (INCLUDES,)


def _put(root: MappingNode, key: str, value: Node) -> MappingNode:
    changed = paths.put(root, key, value)
    if not isinstance(changed, MappingNode):
        raise ConfigError(f'Config error at key "{key}": Parsing error: the path starts with an index')
    return changed
