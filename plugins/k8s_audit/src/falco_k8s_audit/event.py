"""One audit event."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from falco_k8s_audit import timestamps
from falco_k8s_audit.document import Node, Object, Slice, opened, text, until_nul, walk
from falco_k8s_audit.pointer import Steps
from falco_k8s_audit.view import View

_NOTHING: Final = Object(b"{}")
_RESOURCE: Final = ("objectRef", "resource")
_REQUEST: Final = ("requestObject",)
_TEMPLATES: Final = (
    ("spec", "template", "spec"),  # Deployment, ReplicaSet, StatefulSet, DaemonSet, Job …
    ("spec", "jobTemplate", "spec", "template", "spec"),  # CronJob
    ("template", "spec"),  # PodTemplate
)


class AuditEvent:
    """An audit event; its values are read when they are asked for.

    *raw* is one JSON object as it stands in the input, *stamp* its time stamp, already found to be one, *start_ns*
    the time of the first event of the source (None: this one is it), *view* how to read it faster than by opening its
    document; with a view the object must have the key ``auditID``.
    """

    __slots__ = (
        *("_audit", "_document", "_opened", "_pod", "_time_ns", "_tree", "_view"),
        *("num", "raw", "stamp", "start_ns"),
    )

    def __init__(self, raw: Slice, num: int, stamp: str, start_ns: int | None, view: View | None = None) -> None:
        self.raw = raw
        self.num = num
        self.stamp = stamp
        self._document: Object | None = None
        self._audit: Object | None = None
        self._time_ns: int | None = None
        self._pod: Steps | None = None
        self._view = view
        self._tree = None if view is None else view.read(raw)
        self._opened: dict[Steps, Node] = {}
        self.start_ns = self.time_ns if start_ns is None else start_ns

    @property
    def time_ns(self) -> int:
        """Nanoseconds since the epoch, wrapped to 64 bits with a sign.

        Go's zero time and -1 stand for "not known" in Falco, which then takes the time of reading; so is it here.
        """
        if self._time_ns is None:
            time_ns = timestamps.parse(self.stamp)
            is_known = time_ns is not None and time_ns != timestamps.ZERO_NS and timestamps.as_int64(time_ns) != -1
            self._time_ns = timestamps.as_int64(time_ns) if time_ns is not None and is_known else time.time_ns()
        return self._time_ns

    @property
    def document(self) -> Object:
        """The root of the document."""
        if self._document is None:
            self._document = Object(self.raw)
        return self._document

    @property
    def pod(self) -> Steps:
        """Where the pod specification of the request is: in the object itself, or in its template.

        An object that is sent as a pod is read as a pod, whatever other keys it has.
        """
        if self._pod is None:
            self._pod = (*_REQUEST, "spec")
            if self.node(_RESOURCE) != "pods":
                request = self.node(_REQUEST)
                for template in _TEMPLATES:
                    if isinstance(walk(request, template), Object):
                        self._pod = _REQUEST + template
                        break
        return self._pod

    @property
    def summary(self) -> str:
        """The event as one line of JSON: ``evt.plugininfo``."""
        return text(self.document)

    def text(self, steps: Steps) -> str | None:
        """The text of the audit event's value at *steps*; None if there is none."""
        tree = self._tree
        if tree is not None and self._view is not None:
            reader = self._view.texts.get(steps)
            if reader is not None:
                value: str | msgspec.UnsetType = reader(tree)
                return None if value is msgspec.UNSET else until_nul(value)
        node = self.node(steps)
        return None if node is None else text(node)

    def node(self, steps: Steps) -> Node | None:
        """The node of the audit event at *steps*; the ``ka`` fields exist only in an object with ``auditID``."""
        if self._view is not None:
            return self._viewed(self._view, steps)
        if self._audit is None:
            document = self.document
            self._audit = document if "auditID" in document.members else _NOTHING
        return walk(self._audit, steps)

    def value(self, steps: Steps) -> Node | None:
        """The node at *steps* of any object, audit event or not."""
        return walk(self.document, steps) if self._view is None else self._viewed(self._view, steps)

    def _viewed(self, view: View, steps: Steps) -> Node | None:
        """The node at *steps*, through the view if it has that, or else through the document."""
        if self._tree is not None:
            if (found := view.slices.get(steps)) is not None:
                leaf, reader, below = found
                node = self._opened.get(leaf)
                if node is None:
                    raw = reader(self._tree)
                    if raw is msgspec.UNSET:
                        return None
                    node = self._opened[leaf] = opened(raw)
                return walk(node, below)
            if (read := view.texts.get(steps)) is not None:
                value = read(self._tree)
                return None if value is msgspec.UNSET else value
        node = walk(self.document, steps)
        view.learn(steps, node)
        return node
