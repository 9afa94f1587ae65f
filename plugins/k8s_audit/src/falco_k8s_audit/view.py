"""Views: the few values that the rules of one kind of event read, taken out of a record in one pass.

Opening a document level by level costs a dictionary a level. Events that the same rules are left for are asked for the
same values again and again, so a view learns these and has msgspec read just them: a tree of structs, made for the
pointers that were asked for. What it reads is what ``document`` would have found, or it reads nothing: any record that
does not fit (another type on the way, bytes that are not UTF-8) is opened the general way instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from falco_k8s_audit.document import REFUSED, Node, Slice
from falco_k8s_audit.pointer import Steps

Tree: TypeAlias = msgspec.Struct
Reader: TypeAlias = Callable[[Tree], Any]
"""The value of one leaf of a tree: ``msgspec.UNSET`` if it is not there."""

_FIRST: Final = 8
"""Events after which a view is made; it is made anew when it has seen eight times as many, if more was asked for."""
_GROWTH: Final = 8
_UNFIT: Final = frozenset('"\\')
_DEEPEST: Final = 32
"""Levels of structs."""


class View:
    """What to read of the events of one kind. Used by one thread."""

    def __init__(self) -> None:
        self.texts: Mapping[Steps, Reader] = {}
        """Pointers that have led to strings: a reader gives ``str`` or UNSET."""
        self.slices: Mapping[Steps, tuple[Steps, Reader, Steps]] = {}
        """Other pointers: the one that is read in their place, its reader (``Raw`` or UNSET), and the steps left."""
        self._is_text: dict[Steps, bool] = {}
        """Every pointer that was asked for, and whether only strings were found there."""
        self._is_grown = False
        self._events = 0
        self._next = _FIRST
        self._decode: Callable[[Slice], Tree] | None = None

    def read(self, record: Slice) -> Tree | None:
        """The tree of *record*; None if it does not fit, or nothing was learned yet."""
        self._events += 1
        if self._events >= self._next:
            self._next *= _GROWTH
            if self._is_grown:
                self._make()
        if self._decode is None:
            return None
        try:
            return self._decode(record)
        except REFUSED:
            return None

    def learn(self, steps: Steps, node: Node | None) -> None:
        """Take note that *steps* was asked for, and led to *node*."""
        is_text = node is None or isinstance(node, str)
        if steps and self._is_text.get(steps) not in {False, is_text}:
            self._is_text[steps] = is_text
            self._is_grown = True

    def _make(self) -> None:
        leaves: dict[Steps, bool] = {}
        read_by: dict[Steps, Steps] = {}
        # The shortest first, so that no leaf is made below which another one stands.
        for steps, fit in sorted(((steps, _fit(steps)) for steps in self._is_text), key=lambda pair: len(pair[1])):
            above = next((fit[:i] for i in range(len(fit)) if fit[:i] in leaves), fit)
            if above:
                leaves[above] = above == steps and self._is_text[steps] and leaves.get(above, True)
                read_by[steps] = above
        readers = {leaf: attrgetter(".".join(map(_attribute, leaf))) for leaf in leaves}
        self.texts = {steps: readers[leaf] for steps, leaf in read_by.items() if leaves[leaf]}
        self.slices = {
            steps: (leaf, readers[leaf], steps[len(leaf) :]) for steps, leaf in read_by.items() if not leaves[leaf]
        }
        self._decode = msgspec.json.Decoder(_struct((), leaves)).decode if leaves else None
        self._is_grown = False


def _struct(at: Steps, leaves: Mapping[Steps, bool]) -> type[Tree]:
    """The class of the object at *at*; every key may be missing."""
    fields: list[tuple[str, Any, Any]] = []
    below = dict.fromkeys(leaf[: len(at) + 1] for leaf in leaves if leaf[: len(at)] == at)
    for steps in below:
        if steps in leaves:
            kind = str if leaves[steps] else msgspec.Raw
            fields.append((_attribute(steps[-1]), kind | msgspec.UnsetType, msgspec.UNSET))
        else:
            inner = _struct(steps, leaves)
            fields.append((_attribute(steps[-1]), inner, inner()))
    renamed = {_attribute(steps[-1]): steps[-1] for steps in below}
    return msgspec.defstruct("View", fields, rename=renamed, gc=False, frozen=True)


def _attribute(step: str) -> str:
    """A name of an attribute for the key *step*."""
    return "k" + step.encode().hex()


def _fit(steps: Steps) -> Steps:
    """As much of *steps* as structs can read; what is below is looked up in what is there.

    An array has no keys, msgspec takes no unfit keys, and structs in structs are opened by recursion.
    """
    end = next((i for i, step in enumerate(steps) if _is_unfit(step)), len(steps))
    return steps[: min(end, _DEEPEST)]


def _is_unfit(step: str) -> bool:
    return not step or step.isdigit() or not step.isprintable() or not _UNFIT.isdisjoint(step)
