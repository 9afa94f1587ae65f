"""Where this project differs from Falco on purpose: ``differences.toml``, matched by what a case is about."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from conformance.reasons import Reason

FILE = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """One row.

    ``where`` maps keys of a case to regular expressions that are searched for in their values, all of them.
    ``sometimes``: the recorded answers do not show the difference in every case that it is about.
    """

    id: str
    suite: str
    where: dict
    ours: str
    reason: str
    sometimes: bool = False

    def is_about(self, suite, case):
        return suite == self.suite and all(
            re.search(pattern, str(case.get(key, ""))) for key, pattern in self.where.items()
        )


@cache
def listed():
    """All rows, in order."""
    with FILE.open("rb") as file:
        return tuple(Difference(**row) for row in tomllib.load(file)["difference"])


def judge(suite, case, ours, recorded):
    """Fail unless *ours* equals *recorded*, or differs where a row says so; a row that says so for nothing fails, too."""
    row = next((row for row in listed() if row.is_about(suite, case)), None)
    if row is None:
        assert ours == recorded
    elif ours != recorded:
        pytest.skip(f"{Reason.LISTED_DIFFERENCE.name}: {row.id}")
    elif not row.sometimes:
        pytest.fail(f"listed as the difference {row.id!r}, but it agrees: {case}")
