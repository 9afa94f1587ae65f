"""JSON text of any value, equal byte for byte to what Falco writes."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from falco.fields.text import printable

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def encode(value: Any) -> str:
    """*value* as compact JSON, keys in their order, text beyond ASCII as it is; never raises.

    Text that is not UTF-8 gets U+FFFD, as ``printable`` does it; what JSON has no type for is its ``str``.
    """
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _encode(_printable(value)).decode()


def _printable(value: Any) -> Any:
    """*value* with every text in it fit for an encoder; keys are already."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value
