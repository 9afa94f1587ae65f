"""Whether a recorded case is met, and if not, for which of a closed list of reasons."""

import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "conformance"


class Reason(Enum):
    """Why a case does not apply. There are no others."""

    LIVE_KERNEL = "needs a kernel to trace"
    NEEDS_SCAP = "needs the capture reader"
    REMOVED = "Falco removed the flag or feature"
    NO_CAPTURE = "the capture is not recorded"
    OBSOLETE = "upstream does not run it any more"
    OTHER_PLUGIN = "needs a plugin that this project does not stand for"
    SETUP_NOT_RECORDED = "state that the record does not hold"
    FALCO_CRASH = "Falco died"
    LISTED_DIFFERENCE = "we differ on purpose: differences.toml"
    REFUSED_JSON = "not JSON, whatever Falco's reader makes of it"


@dataclass
class Verdict:
    """The account of one suite."""

    suite: str
    agreed: int = 0
    excused: Counter = field(default_factory=Counter)
    failed: list = field(default_factory=list)
    listed: set = field(default_factory=set)

    def agree(self, case_id):
        """The case is met; a listed difference must not be, unless it only shows ``sometimes``."""
        row = self._row(case_id)
        if row is not None and not differences()[row].get("sometimes", False):
            self.failed.append((case_id, "agrees, but is listed in differences.toml"))
        else:
            self.agreed += 1

    def excuse(self, reason):
        """The case does not apply."""
        self.excused[reason] += 1

    def differ(self, case_id, how):
        """The case is not met: as listed, or a failure."""
        row = self._row(case_id)
        if row is None:
            self.failed.append((case_id, how))
        else:
            self.listed.add(row)
            self.excused[Reason.LISTED_DIFFERENCE] += 1

    def _row(self, case_id):
        for number, row in enumerate(differences()):
            if fnmatchcase(self.suite, row["suite"]) and any(fnmatchcase(str(case_id), one) for one in row["cases"]):
                return number
        return None

    @property
    def counts(self):
        """As ``counts.toml`` has them."""
        excused = {reason.name: self.excused[reason] for reason in Reason if self.excused[reason]}
        return {"agreed": self.agreed, **excused}

    def judge(self, data):
        """Fail unless every case is met or excused and, for the data that was counted, the numbers are as committed.

        *data* is the file with the cases. Of other data (a held-back part, a later recording) the counts are printed.
        """
        shown = "\n".join(f"  {case_id}: {how}" for case_id, how in self.failed[:40])
        assert not self.failed, f"{self.suite}: {len(self.failed)} cases are not met\n{shown}"
        assert self.agreed, f"{self.suite}: no case was run"
        committed = dict(_read("counts.toml").get(self.suite, {}))
        if committed.pop("sha256", None) == hashlib.sha256(data.read_bytes()).hexdigest():
            assert self.counts == committed
        else:
            print(f"{self.suite}: {self.counts}")


def differences():
    """Rows of differences.toml."""
    return _read("differences.toml").get("difference", [])


@cache
def _read(name):
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
