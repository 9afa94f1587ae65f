"""The files behind a configuration: the main file, what it includes, and ``-o`` on top.

Everything stays a tree of nodes with places, so that ``config.convert`` can say where a wrong value stands.
Merging looks at top-level keys only, as upstream does: an included ``http_output`` replaces the whole section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from falco.config import paths
from falco.config.environment import Verbatim, expand
from falco.config.includes import INCLUDES, Strategy, listed
from falco.config.places import OPTION, Findings, PlacedError, Problem, place, quoted, short
from falco.documents import files, reader
from falco.documents.nearby import nearest
from falco.documents.nodes import MappingNode, Mark, Node, ScalarNode, ScalarStyle, SequenceNode, Span, is_null
from falco.documents.source import SourceFile
from falco.errors import ConfigError

EXTENSIONS: Final = "x-falco-py"
"""The key below which our own keys stand, so that Falco still reads the file."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file that was read; *name* as the user wrote it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Merged:
    """The tree that counts, and the files it came from in order of reading."""

    root: MappingNode
    files: tuple[ConfigFile, ...]
    sources: Mapping[str, SourceFile] = field(default_factory=dict, repr=False)
    """The texts of the files and of options, by the name that places give them."""
    absent: tuple[Problem, ...] = ()
    """What ``config_files`` names and does not exist."""


def merge(
    main: ConfigFile,
    options: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    findings: Findings,
    is_shown: bool = False,
) -> Merged:
    """Read what *main* includes and put *options* (``key=value``) on top.

    Relative names of included files start at *cwd*, as upstream; files that do not exist are passed over. *findings*
    get the texts that are read and what is passed over, also before an error. Of what *is_shown* only, variables stay
    as they are written; those of *env* are in the names of included files alone.

    Raises:
        ConfigError: A file cannot be read, is not YAML or includes what it must not; an option is malformed.
    """
    problems, sources = findings.problems, findings.sources
    absent: list[Problem] = []
    parsed = [_option(text, sources) for text in options]
    values = Verbatim() if is_shown else env
    root = _mapping(_tree(main, values, problems, sources), problems)
    for key, value in parsed:
        if _sets_includes(key):
            root = _put(root, key, value)
    read = [main]
    including = expand(root, env) if is_shown else root
    for include in listed(_mapping(including, problems), problems):
        paths_of_it = include.files(cwd)
        if not paths_of_it and not (cwd / include.name).is_dir():
            absent.append(Problem(include.span, f"{INCLUDES}: '{short(include.name)}' does not exist, nothing is read"))
        for path in paths_of_it:
            if path.resolve() == (cwd / main.name).resolve():
                raise PlacedError(
                    include.span,
                    f"Config error: '{INCLUDES}' directive tries to recursively include main config file "
                    f"{include.name}. ({place(include.span)}: remove it)",
                )
            included = read_file(str(path.relative_to(cwd) if path.is_relative_to(cwd) else path), cwd)
            tree = _mapping(_tree(included, values, problems, sources), problems)
            if (inner := tree.get(INCLUDES)) is not None:
                raise PlacedError(
                    inner.span,
                    f"Config error: '{INCLUDES}' directive in included config file {included.name}. "
                    f"({place(inner.span)}: name all files in {main.name})",
                )
            root = _merged(root, tree, include.strategy)
            read.append(included)
    for key, value in parsed:
        if not _sets_includes(key):
            root = _put(root, key, value)
    return Merged(root, tuple(read), sources, tuple(absent))


def read_file(name: str, cwd: Path) -> ConfigFile:
    """The configuration file *name*.

    Raises:
        ConfigError: It does not exist or cannot be read.
    """
    try:
        return ConfigFile(name, files.read_bytes(cwd / name))
    except FileNotFoundError:
        raise ConfigError(f"Could not find configuration file at {name}{nearest(cwd / name)}") from None
    except OSError as error:
        raise ConfigError(f"Cannot read config file ({name}): {error.strerror}") from None


def _tree(
    file: ConfigFile, env: Mapping[str, str], problems: list[Problem], sources: dict[str, SourceFile]
) -> Node | None:
    """The first document of *file* that is not empty, variables replaced; None when there is none."""
    try:
        sources[file.name] = source = reader.decode(file.data, file.name)
        documents = reader.parse(source)
    except reader.DocumentError as error:
        if error.source.text:
            sources[file.name] = error.source
        raise PlacedError(error.span, f"Cannot read config file ({file.name}): {error}") from None
    written = [document for document in documents if not is_null(document)]
    problems += [Problem(other.span, "a further document is ignored: one file, one document") for other in written[1:]]
    if not written:
        return None
    problems += odd_keys(written[0])
    return expand(written[0], env)


def odd_keys(root: Node) -> Iterator[Problem]:
    """Keys, at any depth, that are no text or stand twice; below ``x-…``, but our own, they are nobody's business."""
    left: list[tuple[Node, str]] = [(root, "")]
    seen: set[int] = set()
    while left:
        node, path = left.pop()
        if id(node) in seen:
            continue  # what an alias stands for, once more
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            left += [(item, f"{path}[{number}]") for number, item in reversed(list(enumerate(node.items)))]
        elif isinstance(node, MappingNode):
            names: set[str] = set()
            below: list[tuple[Node, str]] = []
            for key, value in node.pairs:
                if not isinstance(key, ScalarNode):
                    yield Problem(key.span, f"{path or 'configuration'}: a key must be a text, this one is ignored")
                    continue
                name = f"{path}.{key.text}" if path else key.text
                if key.text in names:
                    yield Problem(key.span, f"key '{short(name)}' stands twice, the first one counts")
                elif not name.startswith("x-") or name.startswith(EXTENSIONS):
                    below.append((value, name))
                names.add(key.text)
            left += reversed(below)


def _mapping(node: Node | None, problems: list[Problem]) -> MappingNode:
    """*node* as the mapping a configuration is; a sequence counts as an empty one and is reported."""
    match node:
        case MappingNode():
            return node
        case ScalarNode() if not node.is_null:
            raise PlacedError(
                node.span,
                f'Config error at key "{INCLUDES}": {place(node.span)}: expected a mapping of keys, found the text '
                f"{quoted(node)}",
            )
        case SequenceNode():
            problems.append(Problem(node.span, "a configuration is a mapping of keys, this sequence sets nothing"))
    nowhere = Mark(0, 0, 0)
    return MappingNode((), Span("", nowhere, nowhere) if node is None else node.span)


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


def _option(text: str, sources: dict[str, SourceFile]) -> tuple[str, Node]:
    """Key and value of ``key=value``. A value that starts with ``{`` and is a document is taken as such."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        message = f'Error parsing config option "{short(text)}". Must be of the form key=val or key.subkey=val'
        raise ConfigError(message)
    times = sum(name.partition(", option")[0] == f"{OPTION}{key}" for name in sources)
    file = f"{OPTION}{key}" + (f", option {times + 1} of that name" if times else "")
    sources[file] = SourceFile(file, value)
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
