"""What a record that is no audit event may still hold, and what it probably is.

Between the API server and a file stand collectors, container runtimes and editors. What they put around events is
taken off where that is safe: all of the record is whole audit events and nothing else that could mean something.
For the rest a sentence says what it looks like and what to do.
"""

from __future__ import annotations

import re
from typing import Final

from falco_k8s_audit import document
from falco_k8s_audit.document import Object

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CRI: Final = re.compile(rb"\d{4}-\d\d-\d\dT\S{1,32} std(?:out|err) ([FP])(?::\S{0,64})? ")
"""Head of a line as containerd and CRI-O write it; ``P``: the line goes on in the next one."""
_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}]', re.DOTALL)
_SEPARATORS: Final = document.BLANKS + b","
"""What may stand between events."""
_KINDS: Final = frozenset({"Event", "EventList"})
_ELSEWHERE: Final = "take what the API server itself writes (--audit-log-path) or sends (a webhook)"


def events_of(data: bytes) -> list[bytes]:
    """The audit events and EventLists that are all there is in *data*, which is none itself; [] if there is more."""
    text = data.removeprefix(BYTE_ORDER_MARK)
    if (head := _CRI.match(text)) is not None:
        if head[1] == b"P":
            return []
        text = text[head.end() :]
    elif (log := _docker_log(text)) is not None:
        text = log
    found = _apart(_inside(text.strip(document.BLANKS)))
    return found if all(map(_is_audit, found)) else []


def hint(data: bytes) -> str:
    """What *data*, from which nothing can be taken, looks like, and what to do; "" if it looks like nothing known."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[1:2] == b"\0" or data[:1] == b"\0":
        return "; the input is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)"
    if (head := _CRI.match(data)) is not None:
        part = "; the container runtime cut it into pieces" if head[1] == b"P" else ", and no whole audit event"
        return f"; this is a line of a container's log{part}: {_ELSEWHERE}"
    if _docker_log(data) is not None:
        return f"; this is a line of Docker's container log that holds no whole audit event: {_ELSEWHERE}"
    start = data.find(b"{")
    is_prefixed = bool(data[: max(start, 0)].strip(_SEPARATORS + b"["))
    if is_prefixed and (found := _apart(data[start:])) and all(map(_is_audit, found)):
        return "; there is text before the event: remove it (sed 's/^[^{]*//')"
    if data[:1] in b'"}],':
        return "; the beginning of a document is missing: the input begins in the middle of it, or was overwritten"
    return ""


def _docker_log(text: bytes) -> bytes | None:
    """What Docker's ``json-file`` has in ``log``; None if *text* is something else."""
    if b'"log"' not in text or b'"stream"' not in text or document.check(text):
        return None
    node = document.opened(text)
    log = node.get("log") if isinstance(node, Object) and node.get("kind") is None else None
    return log.encode("utf-8", "surrogateescape").strip(document.BLANKS) if isinstance(log, str) else None


def _inside(text: bytes) -> bytes:
    """*text* without the brackets of an array: of one that is whole, or has an item a line and begins or ends here."""
    if text[:1] == b"[" and (text[-1:] == b"," or not document.check(text)):
        text = text[1:]
    return text if text[:1] == b"[" else text.removesuffix(b"]")


def _apart(text: bytes) -> list[bytes]:
    """The objects that *text* is a sequence of; [] if it is something else."""
    found: list[bytes] = []
    depth = start = end = 0
    for bracket in _BRACKET.finditer(text):
        if bracket[0] == b"{":
            if not depth:
                start = bracket.start()
                if text[end:start].strip(_SEPARATORS):
                    return []
            depth += 1
        elif bracket[0] == b"}":
            depth -= 1
            if depth < 0:
                return []
            if not depth:
                end = bracket.end()
                found.append(text[start:end])
    return [] if depth or text[end:].strip(_SEPARATORS) else found


def _is_audit(text: bytes) -> bool:
    if document.check(text):
        return False
    node = document.opened(text)
    return isinstance(node, Object) and node.get("kind") in _KINDS
