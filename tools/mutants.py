"""Shows that the tests of the ruleset can fail: puts one fault after another into a copy of it and runs them.

    python tools/mutants.py                  each fault of tools/mutants.toml
    python tools/mutants.py codegen negat    those in whose file or name one of these words stands

Prints the test that found each; exit 1 if one was not found. The tree is not touched. Takes some minutes, therefore not
part of `make test`, where tests/meta/test_mutants.py shows that each fault can still be put in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = Path("falco")
TESTS = ROOT / "core/tests/ruleset"


def mutants() -> list[dict[str, str]]:
    """The rows of mutants.toml."""
    rows: list[dict[str, str]] = tomllib.loads((ROOT / "tools/mutants.toml").read_text(encoding="utf-8"))["mutant"]
    return rows


def mutated(mutant: dict[str, str], text: str) -> str:
    """*text* with the fault in it.

    Raises:
        ValueError: if the place is not there, or not the only one.
    """
    if (places := text.count(mutant["old"])) != 1:
        raise ValueError(f"{mutant['file']}: {mutant['name']}: what is replaced stands there {places} times, not once")
    return text.replace(mutant["old"], mutant["new"])


def first_failure(source: Path, scratch: Path) -> str | None:
    """The first test that fails with the packages in *source*; None if all pass."""
    surroundings: dict[str, Any] = {
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(scratch),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "--tb=no", "-rfE", str(TESTS)],
        cwd=ROOT, env=os.environ | surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) \S*/(\S+\.py(?:::[\w]+)?)", ran.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pytest ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return found[1]


def main(words: list[str]) -> int:
    """Try the faults that *words* choose."""
    chosen = [m for m in mutants() if not words or any(word in f"{m['file']} {m['name']}" for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        source = scratch / "src"
        shutil.copytree(ROOT / "core/src", source, ignore=shutil.ignore_patterns("__pycache__"))
        if (failed := first_failure(source, scratch / "examples")) is not None:
            print(f"{failed} fails without any fault")
            return 2
        for mutant in chosen:
            path = source / PACKAGE / mutant["file"]
            right = path.read_text(encoding="utf-8")
            path.write_text(mutated(mutant, right), encoding="utf-8")
            failed = first_failure(source, scratch / "examples")
            path.write_text(right, encoding="utf-8")
            survivors += failed is None
            print(f"{mutant['file']:24} {mutant['name']}: {failed or 'NOT FOUND'}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
