import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.state.containers import Container, Mount, document_of, membership, read_container

ID = "0123456789ab" + "c" * 52
TOLD = {
    "type": 0,
    "id": ID[:12],
    "full_id": ID,
    "name": "web",
    "image": "nginx:1.25",
    "imagerepo": "nginx",
    "imagetag": "1.25",
    "privileged": True,
    "ip": "172.17.0.2",
    "Mounts": [
        {"Source": "/src/data", "Destination": "/data", "Mode": "ro", "RW": False, "Propagation": "rprivate"},
        {"Source": "/etc", "Destination": "/host/etc", "Mode": "", "RW": True, "Propagation": ""},
    ],
    "labels": {"io.kubernetes.pod.name": "pod-0", "app": "nginx", "empty": ""},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/docker/{ID}", ID[:12]),
        (f"/system.slice/docker-{ID}.scope", ID[:12]),
        (f"/machine.slice/libpod-{ID}.scope/container", ID[:12]),
        (f"/kubepods/besteffort/pod1/cri-containerd-{ID}.scope", ID[:12]),
        (f"/kubepods.slice/crio-{ID}.scope", ID[:12]),
        (f"/docker/{ID}/init", None),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None),
        ("/lxc/web01", "web01"),
        ("/lxc.payload.db02/sub", "db02"),
        ("/machine/vm1.libvirt-lxc", "vm1"),
        (r"/machine.slice/machine-lxc\x2dvm2.scope", "vm2"),
        ("/garden/bpm-job.process.scope", "job.process"),
        ("/ns/task", "task"),
        ("/user.slice/user-1000.slice/session-1.scope", None),
        ("/system.slice/sshd.service", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_control_group_names_its_container(path: str, expected: str | None) -> None:
    found = membership(path)

    assert (found.container_id if found else None) == expected


def test_a_path_longer_than_any_is_no_container() -> None:
    assert membership("/" + "a/" * 100_000) is None
    assert membership("/bpm-" + "bpm-" * 100_000) is None


def contained() -> CaptureBuilder:
    return CaptureBuilder().process(10, "nginx", cgroups=[f"cpu=/docker/{ID}", "memory=/"])


def test_a_container_is_known_by_its_identifier_until_somebody_tells_more(see) -> None:
    data = json.dumps({"container": TOLD}).encode() + b"\0"
    removed = {"plugin_id": 0, "name": "container_removed", "data": data}
    capture = (
        contained()
        .event("close", 10, res=0, fd=9)
        .event("asyncevent", -1, plugin_id=0, name="container", data=data)
        .event("close", 10, res=0, fd=9)
        .event("asyncevent", -1, **removed)
        .event("close", 10, res=0, fd=9)
    )

    assert see(capture, "container.id", "container.name", "container.privileged", "k8s.pod.name") == [
        (ID[:12], None, None, None),
        (ID[:12], "web", True, "pod-0"),
        (ID[:12], "web", True, "pod-0"),
        (ID[:12], "web", True, "pod-0"),
        (ID[:12], None, None, None),
    ]


def test_the_host_is_a_container_called_host(see) -> None:
    capture = CaptureBuilder().process(10, "sh").event("close", 10, res=0, fd=9)

    assert see(capture, "container.id", "container.name", "container.image", "k8s.pod.name") == [
        ("host", "host", "", None)
    ]


def test_mounts_are_found_by_position_or_pattern(see) -> None:
    capture = (
        contained()
        .event("close", 10, res=0, fd=9)
        .event("container", -1, json=json.dumps({"container": TOLD}))
        .event("close", 10, res=0, fd=9)
    )

    names = ["container.mount[1]", "container.mount.dest[/etc]", "container.mount.source[^/data$]"]
    names += ["container.mount.mode[7]", "container.labels", "container.label[app]"]
    assert see(capture, *names)[2] == (
        *("/etc:/host/etc::true:", "/host/etc", "/src/data", None, "app:nginx, empty", "nginx"),
    )


def test_users_of_a_container_are_its_own(see) -> None:
    account = {"uid": 7, "gid": 7, "name": "app", "home": "/app", "shell": "/bin/sh"}
    capture = (
        CaptureBuilder()
        .user(7, "alice", home="/home/alice")
        .process(10, "nginx", uid=7, cgroups=[f"cpu=/docker/{ID}"])
        .process(11, "sh", uid=7)
        .event("close", 10, res=0, fd=9)
        .event("useradded", -1, **account, container_id=ID[:12])
        .event("close", 10, res=0, fd=9)
        .event("close", 11, res=0, fd=9)
    )

    assert see(capture, "user.name", "user.homedir") == [
        *(("<NA>", "<NA>"), (None, None), ("app", "/app"), ("alice", "/home/alice")),
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"container": 1}', '{"id": 5}', '{"container": {"id": ""}}'])
def test_what_is_no_container_is_told_from_one(text: str) -> None:
    assert read_container(text) is None


def test_wrong_types_inside_of_a_container_are_empty() -> None:
    found = read_container(
        '{"id": "x", "name": 5, "Mounts": [1, {}], "labels": {"a": 1}, "type": "docker", "privileged": 1}'
    )

    assert found is not None
    assert (found.name, len(found.mounts), found.labels, found.type, found.is_privileged) == ("", 1, {}, "", False)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.builds(
        Container,
        id=texts.filter(bool),
        type=st.sampled_from(["", "docker", "lxc", "podman", "cri-o"]),
        full_id=texts,
        name=texts,
        image=texts,
        image_id=texts,
        image_repository=texts,
        image_tag=texts,
        image_digest=texts,
        user=texts,
        is_privileged=st.booleans(),
        has_host_pid=st.booleans(),
        has_host_network=st.booleans(),
        has_host_ipc=st.booleans(),
        ip=texts,
        cni_json=texts,
        sandbox_id=texts,
        mounts=st.lists(st.builds(Mount, texts, texts, texts, st.booleans(), texts), max_size=2).map(tuple),
        labels=st.dictionaries(texts, texts, max_size=2),
        sandbox_labels=st.dictionaries(texts, texts, max_size=2),
    )
)
def test_the_document_of_a_container_says_all_that_is_known_of_it(container: Container) -> None:
    assert read_container(document_of(container)) == container
