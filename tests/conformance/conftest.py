"""One test a recorded case: ``@pytest.mark.recorded("oracle", "k8s_audit/conditions", read)``.

``read(folder)`` yields the cases of a suite as ``(id, case, Reason or None)``. The test gets ``case``. How many cases
a suite has, and how many are not applicable for which reason, is kept in ``counts.toml`` for the default folders.
"""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

DEFAULT = Path(__file__).parents[2].parent / "shared"
COUNTS = tomllib.loads(Path(__file__).with_name("counts.toml").read_text(encoding="utf-8"))
FOUND = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "recorded(option, suite, read): one test for each recorded case of a suite")
    config.stash[FOUND] = {}


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker("recorded")
    if marker is None:
        return
    option, suite, read = marker.args
    folder = metafunc.config.getoption(option)
    if not folder.is_dir():
        missing = pytest.mark.skip(reason=f"no recorded data: --{option} {folder} is not a folder")
        metafunc.parametrize("case", [pytest.param(None, marks=missing, id="no data")])
        return
    cases = list(read(folder))
    counts = {"cases": len(cases), **Counter(reason.name for _, _, reason in cases if reason is not None)}
    metafunc.config.stash[FOUND][suite] = counts
    if not cases:
        raise pytest.UsageError(f"{suite}: no case found in {folder}")
    if folder == DEFAULT / option and counts != COUNTS.get(suite):
        raise pytest.UsageError(f"{suite}: counts.toml says {COUNTS.get(suite)}, found were {counts}")
    metafunc.parametrize("case", [_param(*case) for case in cases])


def _param(id_, case, reason):
    marks = () if reason is None else pytest.mark.skip(reason=f"{reason.name}: {reason.value}")
    return pytest.param(case, marks=marks, id=id_)


def pytest_terminal_summary(terminalreporter, config):
    for suite, counts in config.stash[FOUND].items():
        line = ", ".join(f"{name} {count}" for name, count in counts.items())
        terminalreporter.write_line(f"{suite}: {line}")
