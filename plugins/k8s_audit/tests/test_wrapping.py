"""What collectors, runtimes and editors put around events is taken off, or named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit.wrapping import events_of, hint

_EVENT = b'{"kind":"Event","auditID":"a","text":"} { , [\\" ]"}'
_LIST = b'{"kind":"EventList","items":[' + _EVENT + b"]}"
_CRI = b"2026-03-09T09:00:01.5Z stdout "


def docker(log):
    return json.dumps({"log": log.decode(), "stream": "stdout", "time": "2026-03-09T09:00:01.5Z"}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_EVENT + b",", [_EVENT]),
        (b"[" + _EVENT + b",", [_EVENT]),
        (_EVENT + b"]", [_EVENT]),
        (_EVENT + _EVENT, [_EVENT, _EVENT]),
        (_EVENT + b" " + _LIST, [_EVENT, _LIST]),
        (b"\xef\xbb\xbf" + _EVENT, [_EVENT]),
        (b"\xef\xbb\xbf[" + _EVENT + b", " + _EVENT + b"]", [_EVENT, _EVENT]),
        (_CRI + b"F " + _EVENT, [_EVENT]),
        (docker(_EVENT + b"\n"), [_EVENT]),
    ],
)
def test_whole_events_are_taken_out(data, expected):
    assert events_of(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_CRI + b"P " + _EVENT[:20], "the container runtime cut it into pieces"),
        (_CRI + b"F " + _EVENT[20:], "a line of a container's log, and no whole audit event"),
        (docker(_EVENT[:20]), "Docker's container log that holds no whole audit event"),
        (docker(docker(_EVENT)), "Docker's container log that holds no whole audit event"),
        (b"Mar  9 09:00:01 host kube-apiserver: " + _EVENT, "text before the event: remove it"),
        (_EVENT.decode().encode("utf-16"), "UTF-16: convert it"),
        (_EVENT.decode().encode("utf-16-be"), "UTF-16: convert it"),
        (b'"verb":"get"}', "the beginning of a document is missing"),
        (_EVENT + b"x", ""),
        (_EVENT + b'{"kind":"Pod"}', ""),
        (_EVENT[:20] + _EVENT, ""),
        (b"[" + _EVENT, ""),
        (b"[[" + _EVENT + b",", ""),
        (_EVENT[:-1] + b",}", ""),
        (b'{"log":5,"stream":"stdout"}', ""),
        (b"}{", "the beginning of a document is missing"),
        (b"nonsense", ""),
    ],
)
def test_nothing_is_taken_out_of_anything_else_and_what_is_known_is_named(data, expected):
    assert events_of(data) == []
    assert expected in hint(data)
    assert bool(expected) == bool(hint(data))


@given(st.lists(st.sampled_from([_EVENT, b"{", b"}", b'"', b",", b"[", b"]", b" ", _CRI, b"F ", b"1"]), max_size=12))
def test_what_is_taken_out_is_all_there_is(pieces):
    data = b"".join(pieces)
    found = events_of(data)

    assert all(event == _EVENT for event in found)
    assert not found or data.count(_EVENT) == len(found)
