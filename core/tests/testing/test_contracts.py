"""The contracts pass good plugins, and each of their tests fails some plugin that breaks the promise."""

import importlib.util
from collections import defaultdict
from pathlib import Path

import pytest

from falco.testing import DecoderContract, FieldContract, OutputContract, SourceContract

BROKEN = Path(__file__).parent / "broken"
CONTRACTS = {
    "sources": SourceContract,
    "decoders": DecoderContract,
    "fields": FieldContract,
    "outputs": OutputContract,
}


def classes(kind):
    """The test classes of a file, with the test that each is meant to fail; None for good plugins."""
    spec = importlib.util.spec_from_file_location(f"broken_{kind}", BROKEN / f"{kind}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: getattr(cls, "breaks", None) for name, cls in vars(module).items() if name.startswith("Test")}


def failures(pytester, kind):
    """The tests that failed, by class."""
    pytester.makepyfile(**{f"test_{kind}": (BROKEN / f"{kind}.py").read_text(encoding="utf-8")})
    ran = pytester.inline_run("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:terminal")
    found = defaultdict(set)
    for report in ran.getreports("pytest_runtest_logreport"):
        if report.failed:
            _, name, test = report.nodeid.split("::")
            found[name].add(test)
    return found


@pytest.mark.parametrize("kind", CONTRACTS)
def test_a_contract_fails_broken_plugins_and_passes_good_ones(pytester, kind):
    promises = {name for name in vars(CONTRACTS[kind]) if name.startswith("test_")}
    expected = classes(kind)

    failed = failures(pytester, kind)

    for name, test in expected.items():
        if test is None:
            assert failed[name] == set(), f"{name} is good"
        else:
            assert test in failed[name], f"{name} breaks {test}, which passes"
    assert {test for test in expected.values() if test} == promises, "a test of the contract that nothing fails"
