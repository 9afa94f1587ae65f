"""Event sources as the recorded Falco had them: which fields, by which plugins were loaded."""

from falco.conditions.event_types import EventTypes
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.registry import Fields
from falco_k8s_audit.fields import FIELDS as AUDIT_FIELDS
from falco_syscall.catalogue.events import CATALOGUE
from falco_syscall.fields import FIELDS as SYSCALL_FIELDS

PLUGINS = {
    "k8s": {"k8saudit": "0.18.0", "json": "0.7.4"},
    "base": {},
    "container": {"container": "0.7.1"},
}
"""Versions of the loaded plugins, by the name of the recorded configuration."""


def scopes(config):
    """The event sources of the recorded configuration *config*, by name."""
    found = {"syscall": syscall(with_containers=config == "container")}
    if config == "k8s":
        found["k8s_audit"] = audit()
    return found


def syscall(*, with_containers):
    fields = [field for field in SYSCALL_FIELDS if with_containers or field.group.name != "container (plugin)"]
    generic = evt.fields(source="syscall", hostname="test-host")
    return Scope("syscall", Fields("syscall", [*generic, *fields]), BUILT_IN, event_types=EventTypes(CATALOGUE))


def audit():
    generic = evt.fields(source="k8s_audit", hostname="test-host", plugin="k8saudit")
    return Scope("k8s_audit", Fields("k8s_audit", [*generic, *AUDIT_FIELDS]), BUILT_IN)
