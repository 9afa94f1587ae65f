"""Parameters of a request URI, read as Go's ``net/url`` reads them.

The API server reads the URI with that package, and so does Falco. One bad piece anywhere — a ``;`` in the query, a
percent sign that escapes nothing, a control character, an unreadable host — makes every parameter absent.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_BAD_HOST_ESCAPE: Final = re.compile(r"%(?![89a-fA-F]|25)")
"""A host may only escape what is not ASCII, and the percent sign before an IPv6 zone."""
_HOST: Final = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%\x80-\U0010ffff]*")
_USER: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT: Final = re.compile(r"(?::[0-9]*)?")


def parameter(uri: str, name: str) -> str | None:
    """First value of the parameter *name* of *uri*, decoded; None if it is missing or *uri* cannot be read."""
    query = _query(uri)
    if query is None or ";" in query or _BAD_ESCAPE.search(query):
        return None
    for piece in query.split("&"):
        key, _, value = piece.partition("=")
        if piece and _unescaped(key) == name:
            return _unescaped(value).partition("\0")[0]
    return None


def _query(uri: str) -> str | None:
    """The query of *uri*, "" without; None if *uri* is not a URI."""
    rest, _, fragment = uri.partition("#")
    if _CONTROL.search(uri) or rest.startswith(":") or _BAD_ESCAPE.search(fragment):
        return None
    scheme = _SCHEME.match(rest)
    if scheme:
        rest = rest[scheme.end() :]
    path, _, query = rest.partition("?")
    if not path.startswith("/"):
        # With a scheme it is an opaque URI; without one a colon in the first segment would read as a scheme.
        return query if scheme or ":" not in path.partition("/")[0] else None
    if path.startswith("//") and (scheme or not path.startswith("///")):
        authority, slash, path = path[2:].partition("/")
        if not _is_authority(authority):
            return None
        path = slash + path
    return None if _BAD_ESCAPE.search(path) else query


def _is_authority(authority: str) -> bool:
    user, at, host = authority.rpartition("@")
    if at and (not _USER.fullmatch(user) or _BAD_ESCAPE.search(user)):
        return False
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0 or not _PORT.fullmatch(host[end + 1 :]):
            return False
    elif ":" in host and not _PORT.fullmatch(host[host.rfind(":") :]):
        return False
    return not _BAD_ESCAPE.search(host) and not _BAD_HOST_ESCAPE.search(host) and bool(_HOST.fullmatch(host))


def _unescaped(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )
