"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from falco import Decoder, Field, PluginInfo, Source, hookimpl
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.fields import FIELDS
from falco_k8s_audit.source import AuditSource


@hookimpl
def falco_plugin_info() -> PluginInfo:
    """The plugin stands for two of Falco's: the source with its ``ka`` fields, and the fields of any JSON."""
    return PluginInfo(
        name="k8s_audit",
        version=version("falco-k8s-audit"),
        description="Kubernetes audit events from files, standard input and the audit webhook",
        contact="The Falco in Python maintainers",
        id=1,
        provides={"k8saudit": "0.18.0", "json": "0.7.4"},
        fields_only=frozenset({"json"}),
    )


@hookimpl
def falco_register_sources() -> Iterable[type[Source[Any]]]:
    """The one source."""
    return (AuditSource,)


@hookimpl
def falco_register_decoders() -> Iterable[type[Decoder[Any, Any]]]:
    """The one decoder."""
    return (AuditDecoder,)


@hookimpl
def falco_register_fields(source: str) -> Iterable[Field[Any]]:
    """``ka.*``, ``json.*`` and ``jevt.*`` for audit events."""
    return FIELDS if source == AuditSource.event_source else ()
