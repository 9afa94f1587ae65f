"""Pointers are parsed once, and leniently where Falco is."""

import pytest

from falco_k8s_audit import pointer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("/", ("",)),
        ("//", ("", "")),
        ("/a/b", ("a", "b")),
        ("a/b", ("a", "b")),
        ("/a/b/", ("a", "b", "")),
        ("/a~1b/~0c", ("a/b", "~c")),
        ("/~01", ("~1",)),
        ("/a~2b/~", ("a~2b", "~")),
        ("/authorization.k8s.io~1decision", ("authorization.k8s.io/decision",)),
        ("/0/é", ("0", "é")),
    ],
)
def test_steps(text, expected):
    assert pointer.parse(text) == expected
