"""Shapes: the few ways in which a field is read out of a document.

A row of ``fields`` is a name, a path and one of these. Each function returns the ``bind`` of a field: it gets the
field's argument once and returns the getter. ``None`` from a getter means absent; an empty list is absent too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from falco_k8s_audit import pointer, query
from falco_k8s_audit.document import Array, Node, Object, text, until_nul, walk
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.pointer import Steps

Get: TypeAlias = "Callable[[AuditEvent], str | list[str] | None]"
Bind: TypeAlias = "Callable[[str | None], Get]"

_NO_INDEX: Final = (1 << 64) - 1
"""The index with which Falco marks "no index"; it can be written in a rule."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where a field looks: from the root of the event, or from the pod specification of the request."""

    steps: Steps
    in_pod: bool = False

    @classmethod
    def of(cls, text: str) -> Path:
        """From the root."""
        return cls(pointer.parse(text))

    @classmethod
    def pod(cls, text: str) -> Path:
        """From the pod specification."""
        return cls(pointer.parse(text), in_pod=True)

    def __truediv__(self, text: str) -> Path:
        return Path(self.steps + pointer.parse(text), self.in_pod)

    def node(self, event: AuditEvent) -> Node | None:
        """The node at the path; arrays are stepped into by index only."""
        return event.node(event.pod + self.steps if self.in_pod else self.steps)

    def text(self, event: AuditEvent) -> str | None:
        """The text of the node at the path."""
        return event.text(event.pod + self.steps if self.in_pod else self.steps)

    def nodes(self, event: AuditEvent, index: int | None = None, *, opens_end: bool = False) -> list[Node | None]:
        """The nodes at the path, one for each item of the arrays that lie on it; None for each that is missing.

        *index* picks one item of the first array met, and from there on the path is a plain one; out of its range
        there is nothing. With *opens_end* an array at the end of the path is replaced by its items too.
        """
        steps = event.pod + self.steps if self.in_pod else self.steps
        found: list[Node | None] = []
        pending: list[tuple[Node | None, int]] = [(event.node(steps[:1]), 1)]
        while pending:
            node, at = pending.pop()
            while at < len(steps) and isinstance(node, Object):
                node = node.get(steps[at])
                at += 1
            if at == len(steps) and not (opens_end and isinstance(node, Array)):
                found.append(node)
            elif not isinstance(node, Array):
                found.append(None)
            elif index is None:
                pending.extend((node.item(i), at) for i in reversed(range(len(node))))
            elif index < len(node):
                found.append(walk(node.item(index), steps[at:]))
        return found

    def meets_array(self, event: AuditEvent) -> bool:
        """Whether an array lies on the path or at its end."""
        steps = event.pod + self.steps if self.in_pod else self.steps
        node = event.node(steps[:1])
        for step in steps[1:]:
            if not isinstance(node, Object):
                break
            node = node.get(step)
        return isinstance(node, Array)


def scalar(path: Path, then: Callable[[str], str] | None = None) -> Bind:
    """The text of the value at *path*."""
    steps = path.steps

    def get(event: AuditEvent) -> str | None:
        return event.text(steps)

    def get_any(event: AuditEvent) -> str | None:
        found = path.text(event)
        return found if found is None or then is None else then(found)

    return lambda _argument: get_any if path.in_pod or then else get


def items(path: Path) -> Bind:
    """The text of each item of the array at *path*; of the item that the argument picks, if there is one."""

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            return [text(node) for node in _chosen(path.node(event), index)] or None

        return get

    return bind


def each(path: Path, *, needs_all: bool = False, then: Callable[[str], str] = str) -> Bind:
    """The text of the value at *path* of each container, volume, rule … that lies on it.

    Those without one are left out; with *needs_all* one of them makes the field absent.
    """

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            nodes = path.nodes(event, index)
            if needs_all and None in nodes:
                return None
            return [then(text(node)) for node in nodes if node is not None] or None

        return get

    return bind


def effective(path: Path, sub: str, default: Path) -> Bind:
    """The text of the value at *sub* of each item of the array at *path*, or else that at *default*, or else ``0``."""
    steps = pointer.parse(sub)

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            nodes = _chosen(path.node(event), index)
            other = default.node(event) if nodes else None
            zero = "0" if other is None else text(other)
            own = (walk(node, steps) for node in nodes)
            return [zero if node is None else text(node) for node in own] or None

        return get

    return bind


def flat(path: Path, *keys: str) -> Bind:
    """The items of all arrays at *path*; with *keys* the value of the first of them that an item has."""

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            found: list[str] = []
            for array in path.nodes(event, index):
                if not isinstance(array, Array):
                    if array is None or not keys:
                        continue
                    return None
                for item in array:
                    node = _first(item, keys) if keys else item
                    if node is not None:
                        found.append(text(node))
            return found or None

        return get

    return bind


def joined(path: Path) -> Bind:
    """The strings of the array at *path* of each container, joined by blanks; anything but strings: absent."""

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            found: list[str] = []
            for array in path.nodes(event, index):
                if array is None:
                    continue
                if not isinstance(array, Array):
                    return None
                words = [item for item in array if isinstance(item, str)]
                if len(words) < len(array):
                    return None
                found.append(until_nul(" ".join(words)))
            return found or None

        return get

    return bind


def any_true(path: Path, sub: str, holds: Callable[[str | None], Callable[[Node], bool]]) -> Bind:
    """``true`` if the value at *sub* of any item of *path* *holds* for the argument, else ``false``.

    Absent if there is no array at *path*.
    """
    values = path / sub

    def bind(argument: str | None) -> Get:
        is_true = holds(argument)

        def get(event: AuditEvent) -> str | None:
            if not path.meets_array(event):
                return None
            return "true" if any(node is not None and is_true(node) for node in values.nodes(event)) else "false"

        return get

    return bind


def subjects(kind: str, *keys: str) -> Bind:
    """The values of *keys*, joined by a colon, of each subject of *kind*; a subject that lacks one is left out."""
    path = Path.of("/requestObject/subjects")

    def get(event: AuditEvent) -> list[str] | None:
        found: list[str] = []
        node = path.node(event)
        for subject in node if isinstance(node, Array) else ():
            if isinstance(subject, Object) and subject.get("kind") == kind:
                parts = [part for part in map(subject.get, keys) if part is not None]
                if len(parts) == len(keys):
                    found.append(until_nul(":".join(map(_whole, parts))))
        return found or None

    return lambda _argument: get


def keys(path: Path, *, but: str) -> Bind:
    """The keys of each object at *path*, in the order of the input, without *but*."""

    def bind(argument: str | None) -> Get:
        index = _index(argument)

        def get(event: AuditEvent) -> list[str] | None:
            found: list[str] = []
            for node in path.nodes(event, index, opens_end=True):
                if isinstance(node, Object):
                    found += (until_nul(key) for key in node.members if key != but)
            return found or None

        return get

    return bind


def uri_parameter(path: Path) -> Bind:
    """The parameter of the URI at *path* that the argument names."""

    def bind(argument: str | None) -> Get:
        name = argument or ""

        def get(event: AuditEvent) -> str | None:
            uri = path.text(event)
            return None if uri is None else query.parameter(uri, name)

        return get

    return bind


def image_repository(image: str) -> str:
    """*image* without digest and tag; a colon before the last slash belongs to the port of the registry."""
    name = image.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return path + slash + last.partition(":")[0]


def _first(node: Node, keys: Sequence[str]) -> Node | None:
    """The value of the first of *keys* that *node* has, if it is an object."""
    values = map(node.get, keys) if isinstance(node, Object) else ()
    return next((value for value in values if value is not None), None)


def _whole(node: Node) -> str:
    """The text of *node* with all its NULs, for a text that is put together of several."""
    return node if isinstance(node, str) else text(node)


def _chosen(node: Node | None, index: int | None) -> Sequence[Node]:
    """The items of *node* if it is an array; only that at *index*, if there is an index."""
    if not isinstance(node, Array):
        return ()
    if index is None:
        return tuple(node)
    return (node.item(index),) if index < len(node) else ()


def _index(argument: str | None) -> int | None:
    if argument is None or (index := int(argument)) == _NO_INDEX:
        return None
    return index
