"""What a configuration says in vain: removed keys, keys without effect here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.inspect import Metadata, StructType, Type

from falco.config.places import Problem
from falco.config.rows import struct_info
from falco.config.settings import Effect, Settings
from falco.documents.nodes import MappingNode, ScalarNode

REMOVED: Final = {
    "grpc": "the gRPC server was removed from Falco; use http_output",
    "grpc_output": "the gRPC output was removed from Falco; use http_output",
    "outputs": "the limit on the rate of alerts was removed from Falco",
    "syscall_buf_size_preset": "it moved to engine.<kind>.buf_size_preset",
    "syscall_drop_failed_exit": "it moved to engine.<kind>.drop_failed_exit",
    "modern_bpf": "it moved to engine.modern_ebpf",
    "rate_limiter": "the limit on the rate of alerts was removed from Falco",
}
"""Top-level keys that Falco knew once, and what became of them."""


def removed_keys(root: MappingNode) -> Iterator[Problem]:
    """A problem for each key of *root* that Falco no longer knows."""
    for key, _ in root.pairs:
        if isinstance(key, ScalarNode) and key.text in REMOVED:
            yield Problem(key.span, f"'{key.text}' is ignored: {REMOVED[key.text]}")


def idle_keys(root: MappingNode, settings: Settings) -> Iterator[Problem]:
    """A problem for each key that is set to something, other than its default, without effect here."""
    yield from _idle(root, settings, struct_info(Settings), "")


def _idle(node: MappingNode, value: Struct, info: StructType, path: str) -> Iterator[Problem]:
    for row in info.fields:
        below = node.get(row.encode_name)
        if below is None:
            continue
        name = f"{path}{row.encode_name}"
        set_to = getattr(value, row.name)
        if isinstance(row.type, StructType):
            if isinstance(below, MappingNode):
                yield from _idle(below, set_to, row.type, f"{name}.")
        elif (effect := effect_of(row.type)) is not Effect.APPLIES and set_to and set_to != row.default:
            yield Problem(below.span, f"{name} has no effect: {effect.value}")


def effect_of(info: Type) -> Effect:
    """The effect that a key's row names."""
    effect = (info.extra or {}).get("effect") if isinstance(info, Metadata) else None
    return effect if isinstance(effect, Effect) else Effect.APPLIES
