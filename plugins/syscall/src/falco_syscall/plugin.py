"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from falco import Decoder, EventCatalogue, Field, PluginInfo, Source, hookimpl
from falco_syscall.catalogue import CATALOGUE
from falco_syscall.column_decoder import ColumnDecoder
from falco_syscall.fields import FIELDS
from falco_syscall.source import SyscallSource


@hookimpl
def falco_plugin_info() -> PluginInfo:
    """The plugin has the container fields built in: it also stands for Falco's ``container``."""
    return PluginInfo(
        name="syscall",
        version=version("falco-syscall"),
        description="Linux system calls: captures, processes, descriptors, containers",
        contact="The Falco in Python maintainers",
        provides={"container": "0.7.1"},
        fields_only=frozenset({"container"}),
    )


@hookimpl
def falco_register_sources() -> Iterable[type[Source[Any]]]:
    """The one source, as ``engine.kind`` says."""
    return (SyscallSource,)


@hookimpl
def falco_register_decoders() -> Iterable[type[Decoder[Any, Any]]]:
    """The fast one of the two decoders; the plain one defines what it must yield."""
    return (ColumnDecoder,)


@hookimpl
def falco_register_fields(source: str) -> Iterable[Field[Any]]:
    """All fields of system calls, processes, descriptors, users and containers."""
    return FIELDS if source == SyscallSource.event_source else ()


@hookimpl
def falco_register_event_catalogues() -> Iterable[EventCatalogue]:
    """The event types of system calls."""
    return (CATALOGUE,)
