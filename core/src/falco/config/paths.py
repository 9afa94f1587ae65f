r"""Key paths of ``-o``: from ``plugins[0].name`` to a place in a node tree.

path  = step { "." step | index }
step  = characters; ``.``, ``[``, ``]`` and ``\`` are written with a ``\`` before them
index = "[" digits "]" | "[]"          ``[]`` appends, when a value is set
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from falco.config.places import PlacedError, place, quoted, short
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode, Span
from falco.documents.reader import MAX_DEPTH
from falco.errors import ConfigError


class Append(Enum):
    """The type of ``APPEND``."""

    APPEND = "[]"


APPEND: Final = Append.APPEND
"""The step ``[]``: one behind the last item."""

Step: TypeAlias = str | int | Append


def parse(path: str) -> tuple[Step, ...]:
    """Steps of *path*; the empty path is none.

    Raises:
        ConfigError: The text is not a path; the message names the character.
    """
    steps: list[Step] = []
    name = ""
    index = 0
    while index < len(path):
        char = path[index]
        if char == "\\":
            if path[index + 1 : index + 2] not in {".", "[", "]", "\\"}:
                raise _error(path, f"'\\' at pos {index} must be followed by one of . [ ] \\")
            name += path[index + 1]
            index += 2
        elif char == ".":
            if not name:
                raise _error(path, f"unexpected character at pos {index}")
            steps.append(name)
            name = ""
            index += 1
        elif char == "[":
            if name:
                steps.append(name)
                name = ""
            elif not (steps and path[index - 1] == "]"):
                raise _error(path, f"unexpected character at pos {index}")
            step, index = _index(path, index)
            steps.append(step)
            index = _behind_index(path, index)
        else:
            name += char
            index += 1
    if name:
        steps.append(name)
    if len(steps) > MAX_DEPTH:
        raise ConfigError(f'Config error at key "{short(path)}": more than {MAX_DEPTH} keys inside one another')
    return tuple(steps)


def _index(path: str, start: int) -> tuple[Step, int]:
    """The index that starts with the bracket at *start*, and the place behind it."""
    end = path.find("]", start)
    if end < 0:
        raise _error(path, f"no ']' for the '[' at pos {start}")
    digits = path[start + 1 : end]
    if not digits:
        return APPEND, end + 1
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise _error(path, f"'{digits}' at pos {start + 1} is not an index")
    return int(digits), end + 1


def _behind_index(path: str, index: int) -> int:
    """The place where the step behind ``]`` begins."""
    if index == len(path) or path[index] == "[":
        return index
    if path[index] != ".":
        raise _error(path, f"expected '.' character at pos {index}")
    return index + 1


def get(root: Node, path: str) -> Node | None:
    """The node at *path*; None when there is none, or when a scalar stands in the way.

    Raises:
        ConfigError: *path* is not a path, or appends.
    """
    node: Node | None = root
    for step in parse(path):
        match node, step:
            case MappingNode(), str():
                node = node.get(step)
            case SequenceNode(), int():
                node = node.items[step] if step < len(node.items) else None
            case _, Append():
                raise _error(path, "'[]' appends, there is nothing to read")
            case _:
                return None
    return node


def put(root: Node, path: str, value: Node) -> Node:
    """A tree like *root* with *value* at *path*; mappings and sequences on the way are made as needed.

    A name asked of a sequence turns it into a mapping of its indices, as upstream's YAML library does: scripts
    write ``append_output.suggested_output=false`` over a sequence and rely on it.

    Raises:
        ConfigError: *path* is not a path, a scalar stands in the way, or an index is beyond the end.
    """
    steps = parse(path)
    nodes: list[MappingNode | SequenceNode] = []
    node: Node = root
    for step in steps:
        parent = _as_container(node, step, path)
        nodes.append(parent)
        node = _child(parent, step, path) or ScalarNode("", ScalarStyle.PLAIN, value.span)
    for parent, step in zip(reversed(nodes), reversed(steps), strict=True):
        value = _with_child(parent, step, value)
    return value


def _as_container(node: Node, step: Step, path: str) -> MappingNode | SequenceNode:
    """*node* as something that *step* can be asked of."""
    match node, step:
        case MappingNode(), str():
            return node
        case SequenceNode(), int() | Append():
            return node
        case SequenceNode(), str():
            pairs = tuple((_key(str(number), item.span), item) for number, item in enumerate(node.items))
            return MappingNode(pairs, node.span)
        case ScalarNode(), _ if node.is_null:
            return MappingNode((), node.span) if isinstance(step, str) else SequenceNode((), node.span)
    asked = f"a mapping with the key '{step}'" if isinstance(step, str) else "a sequence"
    found = f"the text {quoted(node)}" if isinstance(node, ScalarNode) else "a mapping"
    raise PlacedError(node.span, f'Config error at key "{path}": {place(node.span)}: expected {asked}, found {found}')


def _child(parent: MappingNode | SequenceNode, step: Step, path: str) -> Node | None:
    match parent, step:
        case MappingNode(), str():
            return parent.get(step)
        case SequenceNode(), int():
            if step < len(parent.items):
                return parent.items[step]
            if step > len(parent.items):
                beyond = f"index {step} is beyond the end of {len(parent.items)} entries; write [] to append"
                raise ConfigError(f'Config error at key "{path}": {beyond}')
    return None


def _with_child(parent: MappingNode | SequenceNode, step: Step, value: Node) -> Node:
    if isinstance(parent, MappingNode):
        pairs = list(parent.pairs)
        for number, (key, _) in enumerate(pairs):
            if isinstance(key, ScalarNode) and key.text == step:
                pairs[number] = (key, value)
                break
        else:
            pairs.append((_key(str(step), value.span), value))
        return MappingNode(tuple(pairs), parent.span)
    items = list(parent.items)
    if isinstance(step, int) and step < len(items):
        items[step] = value
    else:
        items.append(value)
    return SequenceNode(tuple(items), parent.span)


def _key(text: str, span: Span) -> ScalarNode:
    return ScalarNode(text, ScalarStyle.PLAIN, span)


def _error(path: str, sentence: str) -> ConfigError:
    return ConfigError(f'Config error at key "{path}": Parsing error: {sentence}')
