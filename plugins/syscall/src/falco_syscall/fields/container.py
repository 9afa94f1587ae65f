"""``container.*`` and ``k8s.*``: what the thread's control groups and container events tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import re2

from falco_syscall.capture.event_table import CODES
from falco_syscall.fields.binding import constant, plain
from falco_syscall.state.containers import Container, Mount, read_container

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

_SHORT: Final = 12
_ASYNC: Final = CODES["ASYNCEVENT_E"]
_JSON: Final = CODES["CONTAINER_JSON_2_E"]
_ASYNC_NAMES: Final = frozenset({"container", "container_removed"})


def _told(event: SyscallEvent) -> Container | None:
    """The container that an event without a thread is about."""
    if event.code == _ASYNC and event.text(1) in _ASYNC_NAMES:
        return read_container(event.text(2))
    return read_container(event.text(0)) if event.code == _JSON else None


def _container(event: SyscallEvent) -> Container | None:
    """What is known of the event's container; None if there is nothing."""
    if event.thread is None:
        return _told(event)
    return event.machine.containers.get(event.thread.container_id)


def _id(event: SyscallEvent) -> str | None:
    if event.thread is None:
        told = _told(event)
        return None if told is None else told.id
    return event.thread.container_id or "host"


def _of(read: Callable[[Container], Any]) -> Binder:
    """A field of a container that is known."""

    def getter(event: SyscallEvent) -> Value | None:
        container = _container(event)
        value: Value | None = None if container is None else read(container)
        return value

    return plain(getter)


def _labels(labels: Mapping[str, str]) -> str:
    """All labels but those by which Kubernetes marks containers."""
    shown = [(name, value) for name, value in sorted(labels.items()) if not name.startswith("io.kubernetes.")]
    return ", ".join(f"{name}:{value}" if value else name for name, value in shown)


def _label(of: Callable[[Container], Mapping[str, str]]) -> Binder:
    def bind(argument: str | None) -> Getter:
        name = argument or ""

        def getter(event: SyscallEvent) -> str | None:
            container = _container(event)
            return None if container is None else of(container).get(name)

        return getter

    return bind


def _pod_label(name: str) -> Binder:
    return _of(lambda container: container.labels.get(name))


def _mount(read: Callable[[Mount], str], *, by_destination: bool = False) -> Binder:
    """A field of one mount: by position, or the first whose source (or destination) a pattern is found in."""

    def bind(argument: str | None) -> Getter:
        choose = _chosen(argument or "", by_destination=by_destination)

        def getter(event: SyscallEvent) -> str | None:
            container = _container(event)
            found = None if container is None else choose(container.mounts)
            return None if found is None else read(found)

        return getter

    return bind


def _chosen(argument: str, *, by_destination: bool) -> Callable[[tuple[Mount, ...]], Mount | None]:
    if argument.isascii() and argument.isdigit():
        index = int(argument[:9])
        return lambda mounts: mounts[index] if index < len(mounts) else None
    try:
        # As text is searched, not matched as a whole: the pattern may begin and end anywhere.
        pattern = re2.compile(f"(?s:.*)(?:{argument})(?s:.*)")
    except re2.error as error:
        raise ValueError(f"invalid pattern of a mount: {argument}: {error}") from error

    def search(mounts: tuple[Mount, ...]) -> Mount | None:
        for mount in mounts:
            if pattern.fullmatch(mount.destination if by_destination else mount.source):
                return mount
        return None

    return search


def _start(event: SyscallEvent) -> int | None:
    return event.thread.pidns_start_ns or None if event.thread is not None else None


def _age(event: SyscallEvent) -> int | None:
    start_ns = _start(event)
    return None if start_ns is None else event.time_ns - start_ns


def _sandbox(event: SyscallEvent) -> Container | None:
    """The container that holds what all containers of a pod share: the container itself, or its sandbox."""
    container = _container(event)
    if container is None or container.sandbox_labels:
        return container
    if not container.sandbox_id:
        return _NO_POD
    return event.machine.containers.get(container.sandbox_id[:_SHORT]) or container


_NO_POD: Final = Container(id="")


def _of_sandbox(read: Callable[[Container], Any]) -> Binder:
    def getter(event: SyscallEvent) -> Value | None:
        container = _sandbox(event)
        value: Value | None = None if container is None else read(container)
        return value

    return plain(getter)


_WITHOUT_VALUE: Final = (
    *("container.healthcheck", "container.liveness_probe", "container.readiness_probe"),
    *("proc.is_container_healthcheck", "proc.is_container_liveness_probe", "proc.is_container_readiness_probe"),
    *(f"k8s.{kind}.{what}" for kind in ("rc", "svc", "rs", "deployment") for what in ("name", "id", "label", "labels")),
    *("k8s.ns.id", "k8s.ns.label", "k8s.ns.labels"),
)

BINDERS: Final[dict[str, Binder]] = {
    **dict.fromkeys(_WITHOUT_VALUE, constant(None)),
    "container.id": plain(_id),
    "container.full_id": _of(lambda container: container.full_id),
    "container.name": _of(lambda container: container.name),
    "container.type": _of(lambda container: container.type),
    "container.image": _of(lambda container: container.image),
    "container.image.id": _of(lambda container: container.image_id),
    "container.image.repository": _of(lambda container: container.image_repository),
    "container.image.tag": _of(lambda container: container.image_tag),
    "container.image.digest": _of(lambda container: container.image_digest),
    "container.privileged": _of(lambda container: container.is_privileged),
    "container.mounts": _of(lambda container: ",".join(map(str, container.mounts))),
    "container.mount": _mount(str),
    "container.mount.source": _mount(lambda mount: mount.source, by_destination=True),
    "container.mount.dest": _mount(lambda mount: mount.destination),
    "container.mount.mode": _mount(lambda mount: mount.mode),
    "container.mount.rdwr": _mount(lambda mount: mount.writable),
    "container.mount.propagation": _mount(lambda mount: mount.propagation),
    "container.start_ts": plain(_start),
    "container.duration": plain(_age),
    "container.ip": _of(lambda container: container.ip),
    "container.cni.json": _of(lambda container: container.cni_json),
    "container.host_pid": _of(lambda container: container.has_host_pid),
    "container.host_network": _of(lambda container: container.has_host_network),
    "container.host_ipc": _of(lambda container: container.has_host_ipc),
    "container.label": _label(lambda container: container.labels),
    "container.labels": _of(lambda container: _labels(container.labels)),
    "k8s.pod.name": _pod_label("io.kubernetes.pod.name"),
    "k8s.ns.name": _pod_label("io.kubernetes.pod.namespace"),
    "k8s.pod.id": _pod_label("io.kubernetes.pod.uid"),
    "k8s.pod.uid": _pod_label("io.kubernetes.pod.uid"),
    "k8s.pod.sandbox_id": _of(lambda container: container.sandbox_id[:_SHORT]),
    "k8s.pod.full_sandbox_id": _of(lambda container: container.sandbox_id),
    "k8s.pod.label": _label(lambda container: container.sandbox_labels),
    "k8s.pod.labels": _of_sandbox(lambda container: _labels(container.sandbox_labels)),
    "k8s.pod.ip": _of_sandbox(lambda container: container.ip),
    "k8s.pod.cni.json": _of_sandbox(lambda container: container.cni_json),
    "util.cnt": plain(lambda event: event.num),
}
