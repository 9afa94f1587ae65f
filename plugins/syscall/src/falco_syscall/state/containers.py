"""Containers: which one a thread is in, as its control groups say it, and what an engine told about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from falco import text_to_bytes as to_bytes

_SHORT: Final = 12
_LONG: Final = 64
_LONGEST_CONTAINERD_ID: Final = 64
_MOST_CONTAINERS: Final = 10_000
_LONGEST_PATH: Final = 4096
"""Longer than any that the kernel tells."""


class Membership(NamedTuple):
    """The container of a control group; *engine* is "" if only its metadata can tell."""

    container_id: str
    engine: str = ""


_AROUND_LONG_IDS: Final = (
    # podman
    *(("/libpod-", ".scope"), ("/libpod-", ".scope/container"), ("/libpod-", "")),
    *(("/libpod-payload-", ".scope"), ("/libpod-payload-", ".scope/container"), ("/libpod-payload-", "")),
    # docker, and the engines of Kubernetes
    *(("/docker-", ".scope"), ("/", ""), ("/crio-", ""), ("/cri-containerd-", ".scope"), ("/crio-", ".scope")),
    *((":cri-containerd:", ""), ("/nerdctl-", ".scope")),
)
"""What stands before and behind an identifier of 64 hexadecimal digits."""

_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_OF_BPM: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

_CONTAINERD_NAMESPACE: Final = re.compile(r"/[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*/")
_NO_CONTAINERD: Final = (".service", ".slice", ".scope")
_LXC: Final = re.compile(r"/(?:lxc/|lxc\.payload/|lxc\.payload\.)([^/]+)")
_LIBVIRT: Final = (
    re.compile(r"/([^/]+)\.libvirt-lxc\Z"),
    re.compile(r"-lxc\\x2d([^/]+)\.scope(?:/libvirt)?\Z"),
    re.compile(r"/libvirt/lxc/([^/]+)"),
)


def _long_id(path: str) -> Membership | None:
    for before, behind in _AROUND_LONG_IDS:
        at = path.rfind(before)
        end = path.rfind(behind) if behind else len(path)
        start = at + len(before)
        # Falco looks at the last one of the digits less closely.
        if (
            at >= 0
            and end - start == _LONG
            and _HEXADECIMAL.issuperset(path[start : end - 1])
            and path[end - 1].isalnum()
        ):
            return Membership(path[start : start + _SHORT])
    return None


def _lxc(path: str) -> Membership | None:
    found = _LXC.search(path)
    return Membership(found.group(1), "lxc") if found else None


def _libvirt(path: str) -> Membership | None:
    for pattern in _LIBVIRT:
        if found := pattern.search(path):
            return Membership(found.group(1), "libvirt-lxc")
    return None


def _bpm(path: str) -> Membership | None:
    _, found, rest = path.partition("bpm-")
    name = rest.partition(".scope")[0]
    return Membership(name, "bpm") if found and name and _OF_BPM.issuperset(name) else None


def _containerd(path: str) -> Membership | None:
    """``/namespace/id``, the way in which containerd's own client names groups: nearly any two components."""
    found = _CONTAINERD_NAMESPACE.search(path)
    if found is None or path.endswith(_NO_CONTAINERD):
        return None
    name = path[path.rfind(found.group()) + len(found.group()) :]
    return Membership(name[:_SHORT]) if 0 < len(name) <= _LONGEST_CONTAINERD_ID else None


# The special names come before the rule of containerd, which would swallow them (Falco asks it first).
_ENGINES: Final[tuple[Callable[[str], Membership | None], ...]] = (_long_id, _libvirt, _lxc, _bpm, _containerd)


@lru_cache(maxsize=1024)
def membership(path: str) -> Membership | None:
    """The container of one control group; None for the host."""
    if len(path) > _LONGEST_PATH:
        return None
    for engine in _ENGINES:
        if found := engine(path):
            return found
    return None


class Mount(NamedTuple):
    """A mount of a container."""

    source: str
    destination: str
    mode: str
    is_writable: bool
    propagation: str

    @property
    def writable(self) -> str:
        """``true`` or ``false``."""
        return "true" if self.is_writable else "false"

    def __str__(self) -> str:
        return f"{self.source}:{self.destination}:{self.mode}:{self.writable}:{self.propagation}"


_TYPES: Final = {
    0: "docker",
    1: "lxc",
    2: "libvirt-lxc",
    6: "cri",
    7: "containerd",
    8: "cri-o",
    9: "bpm",
    10: "static",
    11: "podman",
}


class Container(NamedTuple):
    """What is known of a container."""

    id: str
    type: str = ""
    full_id: str = ""
    name: str = ""
    image: str = ""
    image_id: str = ""
    image_repository: str = ""
    image_tag: str = ""
    image_digest: str = ""
    user: str = ""
    is_privileged: bool = False
    has_host_pid: bool = False
    has_host_network: bool = False
    has_host_ipc: bool = False
    ip: str = ""
    cni_json: str = ""
    sandbox_id: str = ""
    mounts: tuple[Mount, ...] = ()
    labels: Mapping[str, str] = {}
    sandbox_labels: Mapping[str, str] = {}


HOST: Final = Container(id="host", type="host", full_id="host", name="host")
"""What the container fields say of threads outside of containers."""


def read_container(document: str) -> Container | None:
    """The container of a container event's JSON; None if it is not one.

    Older captures convert to the bare object; newer ones wrap it as ``{"container": {…}}``.
    """
    try:
        decoded = msgspec.json.decode(to_bytes(document))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    described = _object(decoded).get("container", decoded)
    container_id = _text(_object(described).get("id"))
    return _container(container_id, _object(described)) if container_id else None


def _container(container_id: str, described: dict[str, Any]) -> Container:
    kind = described.get("type", 0)
    return Container(
        id=container_id,
        type=_TYPES.get(kind, "") if isinstance(kind, int) else "",
        full_id=_text(described.get("full_id")),
        name=_text(described.get("name")),
        image=_text(described.get("image")),
        image_id=_text(described.get("imageid")),
        image_repository=_text(described.get("imagerepo")),
        image_tag=_text(described.get("imagetag")),
        image_digest=_text(described.get("imagedigest")),
        user=_text(described.get("User")),
        is_privileged=described.get("privileged") is True,
        has_host_pid=described.get("host_pid") is True,
        has_host_network=described.get("host_network") is True,
        has_host_ipc=described.get("host_ipc") is True,
        ip=_text(described.get("ip")),
        cni_json=_text(described.get("cni_json")),
        sandbox_id=_text(described.get("pod_sandbox_id")),
        mounts=tuple(_mount(item) for item in _items(described.get("Mounts")) if isinstance(item, dict)),
        labels=_texts(described.get("labels")),
        sandbox_labels=_texts(described.get("pod_sandbox_labels")),
    )


def document_of(container: Container) -> str:
    """The JSON of a container event, which `read_container` reads as *container*."""
    kinds = {name: number for number, name in _TYPES.items()}
    described = {
        "id": container.id,
        "type": kinds.get(container.type, -1),
        "full_id": container.full_id,
        "name": container.name,
        "image": container.image,
        "imageid": container.image_id,
        "imagerepo": container.image_repository,
        "imagetag": container.image_tag,
        "imagedigest": container.image_digest,
        "User": container.user,
        "privileged": container.is_privileged,
        "host_pid": container.has_host_pid,
        "host_network": container.has_host_network,
        "host_ipc": container.has_host_ipc,
        "ip": container.ip,
        "cni_json": container.cni_json,
        "pod_sandbox_id": container.sandbox_id,
        "Mounts": [
            {
                "Source": mount.source,
                "Destination": mount.destination,
                "Mode": mount.mode,
                "RW": mount.is_writable,
                "Propagation": mount.propagation,
            }
            for mount in container.mounts
        ],
        "labels": dict(container.labels),
        "pod_sandbox_labels": dict(container.sandbox_labels),
    }
    return json.dumps({"container": described}, separators=(",", ":"))


def _mount(described: dict[str, Any]) -> Mount:
    return Mount(
        _text(described.get("Source")),
        _text(described.get("Destination")),
        _text(described.get("Mode")),
        described.get("RW") is True,
        _text(described.get("Propagation")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    return {key: text for key, text in sorted(_object(value).items()) if isinstance(text, str)}


class Containers:
    """The containers that are known, by identifier; at most ``_MOST_CONTAINERS``, the oldest go first."""

    def __init__(self) -> None:
        self._known: dict[str, Container] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Container]:
        return iter(self._known.values())

    def get(self, container_id: str) -> Container | None:
        """What is known of a container; ``HOST`` for ""."""
        return self._known.get(container_id) if container_id else HOST

    def add(self, container: Container) -> None:
        """Remember what an engine told."""
        self._known[container.id] = container
        if len(self._known) > _MOST_CONTAINERS:
            del self._known[next(iter(self._known))]

    def remove(self, container_id: str) -> None:
        """Forget a container that has ended."""
        self._known.pop(container_id, None)

    def has_address(self, container_id: str, ip: str) -> bool:
        """Whether *ip* is the address of a container; where that is not known, of any container."""
        container = self._known.get(container_id)
        if container is not None and container.ip:
            return container.ip == ip
        return any(other.ip == ip for other in self._known.values())

    def find(self, cgroups: Iterable[tuple[str, str]]) -> str:
        """The identifier of the container of a thread in these control groups; "" for the host.

        Containers of engines that nobody can ask are known from then on.
        """
        for _, path in cgroups:
            if found := membership(path):
                if found.engine and found.container_id not in self._known:
                    self.add(Container(found.container_id, type=found.engine))
                return found.container_id
        return ""
