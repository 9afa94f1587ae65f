"""Fields of audit events: what they are, and what Falco's plugin has wrong."""

import json

import pytest

from falco.fields import Argument
from falco.testing.fields import FieldContract
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.fields import FIELDS

_STAMP = "2024-03-01T10:00:00.123456Z"
_BY_NAME = {field.name: field for field in FIELDS}


def event(**keys):
    values = {"kind": "Event", "auditID": "a", "stageTimestamp": _STAMP, **keys}
    return AuditEvent(json.dumps(values).encode(), 1, _STAMP, None)


def pod(resource="pods", **spec):
    return event(objectRef={"resource": resource}, requestObject={"spec": spec})


def value(event, name, argument=None):
    return _BY_NAME[name].bind(argument)(event)


def test_there_are_as_many_as_in_falco_and_two_more():
    names = [field.name for field in FIELDS]

    assert sum(name.startswith("ka.") for name in names) == 100
    assert [name for name in names if not name.startswith("ka.")] == [
        *("json.value", "json.obj", "json.rawtime", "jevt.value", "jevt.obj", "jevt.rawtime"),
        *("jevt.time", "jevt.time.iso8601"),
    ]
    assert sum(field.is_list for field in FIELDS) == 61


def test_arguments_are_those_of_falco():
    keyed = {field.name for field in FIELDS if field.argument is Argument.KEY}

    assert keyed == {
        *("ka.uri.param", "ka.req.binding.subject.has_name", "ka.req.volume.hostpath"),
        *("json.value", "jevt.value"),
    }
    assert all(f.argument in {Argument.NONE, Argument.KEY} or f.is_list for f in FIELDS)


def test_effective_ids_are_the_containers_or_the_pods_or_root():
    found = pod(
        securityContext={"runAsUser": 7},
        containers=[{"securityContext": {"runAsUser": 1000}}, {}, {"securityContext": {"runAsUser": None}}],
    )

    assert value(found, "ka.req.pod.containers.eff_run_as_user") == ["1000", "7", "null"]
    assert value(found, "ka.req.pod.containers.eff_run_as_user", "1") == ["7"]
    assert value(found, "ka.req.pod.containers.eff_run_as_group") == ["0", "0", "0"]
    assert value(pod(), "ka.req.pod.containers.eff_run_as_user") is None


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "nginx"),
        ("nginx:1.2", "nginx"),
        ("r/n@sha256:00", "r/n"),
        ("r/n:1@sha256:00", "r/n"),
        ("reg:5000/a/b:v1", "reg:5000/a/b"),
        ("reg:5000/a", "reg:5000/a"),
        ("", ""),
    ],
)
def test_a_repository_keeps_the_port_of_its_registry(image, expected):
    found = pod(containers=[{"image": image}])

    assert value(found, "ka.req.pod.containers.image.repository") == [expected]
    assert value(found, "ka.req.container.image.repository") == expected


def test_source_addresses_are_those_of_the_request():
    assert value(event(sourceIPs=["10.0.0.1", "::1"]), "ka.sourceips") == ["10.0.0.1", "::1"]
    assert value(event(sourceIPs=["10.0.0.1", "::1"]), "ka.sourceips", "1") == ["::1"]
    assert value(event(sourceIPs=[]), "ka.sourceips") is None


@pytest.mark.parametrize(
    "request_object",
    [
        lambda spec: {"spec": {"template": {"spec": spec}}},
        lambda spec: {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}},
        lambda spec: {"template": {"spec": spec}},
    ],
)
def test_the_pod_of_a_workload_is_its_template(request_object):
    spec = {"hostNetwork": True, "containers": [{"image": "i"}], "volumes": [{"hostPath": {"path": "/etc"}}]}
    found = event(objectRef={"resource": "deployments"}, requestObject=request_object(spec))

    assert value(found, "ka.req.pod.containers.image") == ["i"]
    assert value(found, "ka.req.pod.host_network") == "true"
    assert value(found, "ka.req.volume.hostpath", "/etc") == "true"


def test_a_template_in_a_pod_hides_nothing():
    found = pod(hostNetwork=True, containers=[{"image": "i"}], template={"spec": {"containers": []}})

    assert value(found, "ka.req.pod.host_network") == "true"
    assert value(found, "ka.req.pod.containers.image") == ["i"]


@pytest.mark.parametrize("odd", [[], [[]], {}, "x", 5, None, [{}], [5], [None], [[{"name": "x"}]]])
def test_odd_containers_and_volumes_are_read_without_complaint(odd):
    for key in ("containers", "initContainers", "volumes", "securityContext", "template"):
        for field in FIELDS:
            for argument in (None, "0", "9") if field.argument is not Argument.KEY else ("", "/etc", "*"):
                field.bind(argument)(pod(**{key: odd}))


def test_deeply_nested_arrays_on_a_path_are_no_trouble():
    deep = "[" * 900 + '{"name":"n"}' + "]" * 900
    raw = f'{{"auditID":"a","requestObject":{{"spec":{{"containers":{deep}}}}}}}'

    assert value(AuditEvent(raw.encode(), 1, _STAMP, None), "ka.req.pod.containers.name") == ["n"]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("/etc", "true"), ("/et*", "true"), ("*", "true"), ("/etc/*", "false"), ("/et", "false"), ("", "false")],
)
def test_host_paths_are_compared_whole_or_by_their_beginning(argument, expected):
    found = pod(volumes=[{"name": "a"}, {"hostPath": {"path": "/etc"}}])

    assert value(found, "ka.req.volume.hostpath", argument) == expected
    assert value(pod(), "ka.req.volume.hostpath", argument) is None


def test_the_index_that_means_none_and_those_beyond_everything():
    found = pod(containers=[{"image": "a"}, {"image": "b"}])

    assert value(found, "ka.req.pod.containers.image", str((1 << 64) - 1)) == ["a", "b"]
    assert value(found, "ka.req.pod.containers.image", str((1 << 64) - 2)) is None
    assert value(found, "ka.req.pod.containers.image", "2") is None


def test_times_are_those_of_the_event():
    found = event()

    assert value(found, "jevt.rawtime") == "1709287200123456000"
    assert value(found, "jevt.time.iso8601") == "2024-03-01T10:00:00.123456000+0000"
    assert value(found, "jevt.time").endswith(":00.123456000")


def test_a_text_put_together_of_several_ends_at_the_first_nul():
    found = event(requestObject={"subjects": [{"kind": "ServiceAccount", "namespace": "n\0s", "name": "a"}]})

    assert value(found, "ka.req.binding.subjects.serviceaccount_ns_names") == ["n"]


class TestContract(FieldContract):
    fields = FIELDS

    @pytest.fixture
    def events(self):
        return [
            event(),
            event(user={"username": "u", "groups": ["g", 5, None]}, requestURI="/a?b=1", sourceIPs=["1.2.3.4"]),
            pod(containers=[{"image": "i:1", "args": ["a"], "ports": [{"hostPort": 1}]}], volumes=[{"emptyDir": {}}]),
            AuditEvent(b'{"stageTimestamp":"x","user":{"username":"\xff"}}', 1, _STAMP, None),
        ]
