"""One audit event."""

from __future__ import annotations

import time
from typing import Final

from falco_k8s_audit import timestamps
from falco_k8s_audit.document import Node, Object, Slice, text, walk
from falco_k8s_audit.pointer import Steps

_NOTHING: Final = Object(b"{}")
_REQUEST_SPEC: Final = ("requestObject", "spec")
_TEMPLATES: Final = (
    ("requestObject", "spec", "template", "spec"),  # Deployment, ReplicaSet, StatefulSet, DaemonSet, Job …
    ("requestObject", "spec", "jobTemplate", "spec", "template", "spec"),  # CronJob
    ("requestObject", "template", "spec"),  # PodTemplate
)


class AuditEvent:
    """An audit event; its document is opened on first use.

    *raw* is one JSON object as it stands in the input, *stamp* its time stamp, already found to be one, *start_ns*
    the time of the first event of the source (None: this one is it).
    """

    __slots__ = ("_audit", "_document", "_pod", "_time_ns", "num", "raw", "stamp", "start_ns")

    def __init__(self, raw: Slice, num: int, stamp: str, start_ns: int | None) -> None:
        self.raw = raw
        self.num = num
        self.stamp = stamp
        self._document: Object | None = None
        self._audit: Object | None = None
        self._time_ns: int | None = None
        self._pod: Steps | None = None
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
    def audit(self) -> Object:
        """The root for the ``ka`` fields, which exist only in an object that has the key ``auditID``."""
        if self._audit is None:
            document = self.document
            self._audit = document if "auditID" in document.members else _NOTHING
        return self._audit

    @property
    def pod(self) -> Steps:
        """Where the pod specification of the request is: in the object itself, or in its template.

        An object that is sent as a pod is read as a pod, whatever other keys it has.
        """
        if self._pod is None:
            self._pod = _REQUEST_SPEC
            if walk(self.document, ("objectRef", "resource")) != "pods":
                for template in _TEMPLATES:
                    if isinstance(walk(self.document, template), Object):
                        self._pod = template
                        break
        return self._pod

    @property
    def summary(self) -> str:
        """The event as one line of JSON: ``evt.plugininfo``."""
        return text(self.document)

    def node(self, steps: Steps) -> Node | None:
        """The node of the audit event at *steps*."""
        document = self._document or self.document
        return walk(document, steps) if "auditID" in document.members else None
