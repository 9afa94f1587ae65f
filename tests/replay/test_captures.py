"""Both decoders on every recorded capture: rules that match everything, and rules of which most events are skipped."""

import pytest

from replay.equality import CONDITIONS, columnar, plain, rule


def pytest_generate_tests(metafunc):
    oracle = metafunc.config.getoption("--oracle")
    found = sorted((oracle / "syscall" / "captures").glob("*.scap"))
    metafunc.parametrize("capture", found, ids=[path.stem for path in found])


@pytest.mark.parametrize("selective", [False, True])
def test_both_decoders_see_the_same(capture, selective):
    rules = [rule(condition) for condition in CONDITIONS[1:]] if selective else [rule(CONDITIONS[0])]
    expected = plain(capture, rules)

    for chunk_bytes in (5000, 1 << 20):
        assert columnar(capture, rules, chunk_bytes) == expected, chunk_bytes
