"""The fields of audit events: ``ka.*``, and ``json.*`` or ``jevt.*`` for any value by its pointer.

Names, types and arguments are those of Falco's plugins k8saudit and json, in their order. Each row is a name, a
shape (where the value is and how it is read) and what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from falco import Argument, Clock, Field, FieldClass, FieldFormat
from falco_k8s_audit import document, pointer
from falco_k8s_audit.document import Node, Scalar
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.shapes import (
    Bind,
    Path,
    any_true,
    each,
    effective,
    flat,
    image_repository,
    items,
    joined,
    keys,
    scalar,
    subjects,
    uri_parameter,
)

AUDIT: Final = FieldClass("k8saudit (plugin)")
JSON: Final = FieldClass("json (plugin)")


def _text(name: str, path: Path, doc: str) -> Field[AuditEvent]:
    """One value of the event."""
    return Field(name, scalar(path), doc=doc, group=AUDIT)


def _list(name: str, bind: Bind, doc: str, *, index: bool = False) -> Field[AuditEvent]:
    """Several values; with *index* the argument picks a container, rule or volume."""
    argument = Argument.OPTIONAL_INDEX if index else Argument.NONE
    return Field(name, bind, is_list=True, argument=argument, doc=doc, group=AUDIT)


def _keyed(name: str, bind: Bind, doc: str) -> Field[AuditEvent]:
    """One value, picked by an argument that must be there."""
    return Field(name, bind, argument=Argument.KEY, doc=doc, group=AUDIT)


# ---- what a pod's containers have: the same rows for containers, initContainers and ephemeralContainers ----

_SECURITY: Final = "/securityContext"
_POD_SECURITY: Final = Path.pod(_SECURITY)
_CONTAINER: Final[dict[str, tuple[Callable[[Path], Bind], str]]] = {
    "args": (lambda at: joined(at / "/args"), "Arguments of the {}, one text each, joined by blanks."),
    "command": (lambda at: joined(at / "/command"), "Entry points of the {}, one text each, joined by blanks."),
    "name": (lambda at: each(at / "/name", needs_all=True), "Names of the {}."),
    "image": (lambda at: each(at / "/image", needs_all=True), "Images of the {}, with tag or digest."),
    "image.repository": (
        lambda at: each(at / "/image", needs_all=True, then=image_repository),
        "Images of the {}, without tag and digest.",
    ),
    "host_port": (
        lambda at: flat(at / "/ports", "hostPort", "containerPort"),
        "Ports of the {} on the node; of a port without one the container's own.",
    ),
    "privileged": (
        lambda at: each(at / _SECURITY / "/privileged"),
        "Whether the {} are privileged, for those that say so.",
    ),
    "allow_privilege_escalation": (
        lambda at: each(at / _SECURITY / "/allowPrivilegeEscalation"),
        "Whether processes of the {} may gain privileges, for those that say so.",
    ),
    "read_only_fs": (
        lambda at: each(at / _SECURITY / "/readOnlyRootFilesystem"),
        "Whether the root file system of the {} is read-only, for those that say so.",
    ),
    "run_as_user": (
        lambda at: each(at / _SECURITY / "/runAsUser"),
        "User ids that the {} ask for; those that ask for none are left out.",
    ),
    "eff_run_as_user": (
        lambda at: effective(at, "/securityContext/runAsUser", _POD_SECURITY / "/runAsUser"),
        "User ids that the {} run with: their own, or else the pod's, or else 0.",
    ),
    "run_as_group": (
        lambda at: each(at / _SECURITY / "/runAsGroup"),
        "Group ids that the {} ask for; those that ask for none are left out.",
    ),
    "eff_run_as_group": (
        lambda at: effective(at, "/securityContext/runAsGroup", _POD_SECURITY / "/runAsGroup"),
        "Group ids that the {} run with: their own, or else the pod's, or else 0.",
    ),
    "proc_mount": (
        lambda at: each(at / _SECURITY / "/procMount"),
        "Kinds of /proc that the {} ask for; those that ask for none are left out.",
    ),
    "add_capabilities": (
        lambda at: each(at / _SECURITY / "/capabilities/add"),
        "Capabilities that the {} ask for, one JSON array a container; those that ask for none are left out.",
    ),
}
_NOUNS: Final = {
    "containers": "containers",
    "initContainers": "init containers",
    "ephemeralContainers": "ephemeral containers",
}
_EVERY_KIND: Final = (
    "name",
    "image",
    "image.repository",
    "command",
    "args",
    "privileged",
    "allow_privilege_escalation",
    "read_only_fs",
    "run_as_user",
    "eff_run_as_user",
    "run_as_group",
    "eff_run_as_group",
    "proc_mount",
    "add_capabilities",
)


def _containers(kind: str, *suffixes: str) -> Iterator[Field[AuditEvent]]:
    for suffix in suffixes:
        shape, doc = _CONTAINER[suffix]
        name, bind = f"ka.req.pod.{kind}.{suffix}", shape(Path.pod(f"/{kind}"))
        yield _list(name, bind, doc.format(_NOUNS[kind]), index=True)


# ---- tests behind the fields that answer true or false ----


def _is_true(_argument: str | None) -> Callable[[Node], bool]:
    return lambda node: isinstance(node, Scalar) and node.text == "true"


def _is_host_path(pattern: str | None) -> Callable[[Node], bool]:
    """Equal to *pattern*, or, if that ends in ``*``, beginning with what is before it."""
    pattern = pattern or ""
    prefix = pattern.removesuffix("*")
    if prefix == pattern:
        return lambda node: document.text(node) == pattern
    return lambda node: document.text(node).startswith(prefix)


def _created_pod(_argument: str | None) -> Callable[[AuditEvent], str | None]:
    def get(event: AuditEvent) -> str | None:
        subresource = event.node(("objectRef", "subresource"))
        # upstream: a subresource that is no string counts as none
        if event.node(("objectRef", "resource")) != "pods" or (isinstance(subresource, str) and subresource):
            return None
        return event.text(("responseObject", "metadata", "name"))

    return get


# ---- json.*, jevt.*: for every event, whether it has an auditID or not ----


def _value(argument: str | None) -> Callable[[AuditEvent], str | None]:
    steps = pointer.parse(argument or "")

    def get(event: AuditEvent) -> str | None:
        node = event.value(steps)
        return None if node is None else document.text(node)

    return get


def _json(prefix: str) -> tuple[Field[AuditEvent], ...]:
    return (
        Field(
            f"{prefix}.value",
            _value,
            argument=Argument.KEY,
            group=JSON,
            doc="The value that the argument, a JSON pointer such as /user/username, leads to.",
        ),
        Field(
            f"{prefix}.obj",
            lambda _argument: lambda event: document.indented(event.raw),
            group=JSON,
            doc="The whole event, one value a line.",
        ),
        Field(
            f"{prefix}.rawtime",
            lambda _argument: lambda event: str(event.time_ns % (1 << 64)),
            group=JSON,
            doc="Time of the event: nanoseconds since the epoch.",
        ),
    )


def _times() -> tuple[Field[AuditEvent], ...]:
    """Fields that Falco's first audit rules used and today's plugin lacks. A run writes them in its own zone."""
    clock = Clock()
    return (
        Field(
            "jevt.time",
            lambda _argument: lambda event: clock.time(event.time_ns),
            format=FieldFormat.TIME,
            group=JSON,
            doc="Local time of day of the event, with nanoseconds; the same as evt.time.",
        ),
        Field(
            "jevt.time.iso8601",
            lambda _argument: lambda event: clock.iso8601(event.time_ns),
            format=FieldFormat.TIME_ISO8601,
            group=JSON,
            doc="Date and time of the event as ISO 8601 in UTC; the same as evt.time.iso8601.",
        ),
    )


_ANNOTATION: Final = Path.of("/annotations")
_REQUEST: Final = Path.of("/requestObject")
_SUBJECTS: Final = _REQUEST / "/subjects"
_RULES: Final = _REQUEST / "/rules"
_VOLUMES: Final = Path.pod("/volumes")

FIELDS: Final[tuple[Field[AuditEvent], ...]] = (
    _text("ka.auditid", Path.of("/auditID"), "Identifier of the request; its events share it."),
    _text("ka.stage", Path.of("/stage"), "Stage of the request, for example ResponseComplete."),
    _text("ka.auth.decision", _ANNOTATION / "/authorization.k8s.io~1decision", "Decision of the authorizer."),
    _text("ka.auth.reason", _ANNOTATION / "/authorization.k8s.io~1reason", "Reason that the authorizer gives."),
    _text(
        "ka.auth.openshift.decision",
        _ANNOTATION / "/authentication.openshift.io~1decision",
        "Decision of OpenShift's authenticator.",
    ),
    _text(
        "ka.validations.admission.policy.failure",
        _ANNOTATION / "/validation.policy.admission.k8s.io~1validation_failure",
        "Failures of validating admission policies.",
    ),
    _text(
        "ka.security.pod.violations",
        _ANNOTATION / "/pod-security.kubernetes.io~1audit-violations",
        "Violations of the Pod Security Standard that is audited.",
    ),
    _text(
        "ka.auth.openshift.username",
        _ANNOTATION / "/authentication.openshift.io~1username",
        "Name of the user as OpenShift's authenticator knows it.",
    ),
    _text("ka.user.name", Path.of("/user/username"), "Name of the user who makes the request."),
    _list("ka.user.groups", items(Path.of("/user/groups")), "Groups of the user who makes the request."),
    _text("ka.impuser.name", Path.of("/impersonatedUser/username"), "Name of the user who is impersonated."),
    _text("ka.verb", Path.of("/verb"), "Verb of the request, for example create."),
    _text("ka.uri", Path.of("/requestURI"), "URI of the request, as it was sent."),
    _keyed(
        "ka.uri.param",
        uri_parameter(Path.of("/requestURI")),
        "Value of the query parameter that the argument names, decoded; of several the first.",
    ),
    _text("ka.target.name", Path.of("/objectRef/name"), "Name of the object of the request."),
    _text("ka.target.namespace", Path.of("/objectRef/namespace"), "Namespace of the object of the request."),
    _text("ka.target.resource", Path.of("/objectRef/resource"), "Resource of the request, for example pods."),
    _text("ka.target.subresource", Path.of("/objectRef/subresource"), "Subresource of the request, for example exec."),
    Field(
        "ka.target.pod.name",
        _created_pod,
        doc="Name of the pod in the response, for requests for pods themselves.",
        group=AUDIT,
    ),
    _list("ka.req.binding.subjects", items(_SUBJECTS), "Subjects of the binding, each as JSON."),
    _list("ka.req.binding.subjects.user_names", subjects("User", "name"), "Names of the users of the binding."),
    _list(
        "ka.req.binding.subjects.serviceaccount_names",
        subjects("ServiceAccount", "name"),
        "Names of the service accounts of the binding.",
    ),
    _list(
        "ka.req.binding.subjects.serviceaccount_ns_names",
        subjects("ServiceAccount", "namespace", "name"),
        "Service accounts of the binding as namespace:name.",
    ),
    _list("ka.req.binding.subjects.group_names", subjects("Group", "name"), "Names of the groups of the binding."),
    _text("ka.req.binding.role", _REQUEST / "/roleRef/name", "Name of the role that the binding gives."),
    _keyed(
        "ka.req.binding.subject.has_name",
        lambda _argument: lambda event: None if event.node(("auditID",)) is None else "true",
        "Always true; kept for rules of old, which should use ka.req.binding.subjects.user_names.",
    ),
    _text("ka.req.configmap.name", Path.of("/objectRef/name"), "Name of the object of the request."),
    _text("ka.req.configmap.obj", _REQUEST / "/data", "Data of the config map, as JSON."),
    *_containers("containers", "args", "command", "name", "image"),
    _text("ka.req.container.image", Path.pod("/containers/0/image"), "Image of the first container."),
    *_containers("containers", "image.repository"),
    Field(
        "ka.req.container.image.repository",
        scalar(Path.pod("/containers/0/image"), then=image_repository),
        doc="Image of the first container, without tag and digest.",
        group=AUDIT,
    ),
    _text("ka.req.pod.host_ipc", Path.pod("/hostIPC"), "Whether the pod shares the node's IPC namespace."),
    _text("ka.req.pod.host_network", Path.pod("/hostNetwork"), "Whether the pod shares the node's network."),
    _text("ka.req.container.host_network", Path.pod("/hostNetwork"), "Whether the pod shares the node's network."),
    _text("ka.req.pod.host_pid", Path.pod("/hostPID"), "Whether the pod shares the node's process ids."),
    *_containers("containers", "host_port", "privileged"),
    Field(
        "ka.req.container.privileged",
        any_true(Path.pod("/containers"), "/securityContext/privileged", _is_true),
        doc="Whether any container is privileged.",
        group=AUDIT,
    ),
    *_containers("containers", "allow_privilege_escalation", "read_only_fs"),
    _text("ka.req.pod.run_as_user", _POD_SECURITY / "/runAsUser", "User id that the pod asks for."),
    *_containers("containers", "run_as_user", "eff_run_as_user"),
    _text("ka.req.pod.run_as_group", _POD_SECURITY / "/runAsGroup", "Group id that the pod asks for."),
    *_containers("containers", "run_as_group", "eff_run_as_group", "proc_mount"),
    _list("ka.req.role.rules", items(_RULES), "Rules of the role, each as JSON."),
    _list("ka.req.role.rules.apiGroups", flat(_RULES / "/apiGroups"), "API groups of the role's rules.", index=True),
    _list(
        "ka.req.role.rules.nonResourceURLs",
        flat(_RULES / "/nonResourceURLs"),
        "URLs that the role's rules name instead of resources.",
        index=True,
    ),
    _list("ka.req.role.rules.verbs", flat(_RULES / "/verbs"), "Verbs of the role's rules.", index=True),
    _list("ka.req.role.rules.resources", flat(_RULES / "/resources"), "Resources of the role's rules.", index=True),
    _text("ka.req.pod.fs_group", _POD_SECURITY / "/fsGroup", "Group id that owns the pod's volumes."),
    _list(
        "ka.req.pod.supplemental_groups",
        items(_POD_SECURITY / "/supplementalGroups"),
        "Further group ids of the pod's processes.",
    ),
    *_containers("containers", "add_capabilities"),
    _text("ka.req.service.type", _REQUEST / "/spec/type", "Type of the service, for example NodePort."),
    _list(
        "ka.req.service.ports",
        # upstream: the whole array is the one item, whatever the index
        lambda _argument: each(_REQUEST / "/spec/ports")(None),
        "Ports of the service: one item, a JSON array.",
        index=True,
    ),
    _list("ka.req.pod.volumes.hostpath", each(_VOLUMES / "/hostPath/path"), "Paths of the node mounted.", index=True),
    _keyed(
        "ka.req.volume.hostpath",
        any_true(_VOLUMES, "/hostPath/path", _is_host_path),
        "Whether the pod mounts the path of the node that the argument names; a final * stands for any ending.",
    ),
    _list(
        "ka.req.pod.volumes.flexvolume_driver",
        each(_VOLUMES / "/flexVolume/driver"),
        "Drivers of the pod's flex volumes.",
        index=True,
    ),
    _list(
        "ka.req.pod.volumes.volume_type",
        keys(_VOLUMES, but="name"),
        "Types of the pod's volumes, for example hostPath.",
        index=True,
    ),
    _text("ka.resp.name", Path.of("/responseObject/metadata/name"), "Name of the object in the response."),
    _text("ka.response.code", Path.of("/responseStatus/code"), "Status code of the response."),
    _text("ka.response.reason", Path.of("/responseStatus/reason"), "Reason of the status of the response."),
    _text("ka.useragent", Path.of("/userAgent"), "User agent that the client reports."),
    _list("ka.sourceips", items(Path.of("/sourceIPs")), "Addresses of the client and of proxies.", index=True),
    _text("ka.cluster.name", _ANNOTATION / "/cluster_name", "Name of the cluster, where a collector added it."),
    *_containers("initContainers", *_EVERY_KIND, "host_port"),
    *_containers("ephemeralContainers", *_EVERY_KIND),
    *_json("json"),
    *_json("jevt"),
    *_times(),
)
