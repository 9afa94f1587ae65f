"""The faults that tools/mutants.py tries can still be put into the code; running them takes minutes and is not done here."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("mutants", ROOT / "tools/mutants.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


@pytest.mark.parametrize("mutant", tool.mutants(), ids=lambda mutant: mutant["name"])
def test_a_fault_can_be_put_in(mutant):
    right = (ROOT / "core/src" / tool.PACKAGE / mutant["file"]).read_text(encoding="utf-8")
    wrong = tool.mutated(mutant, right)

    assert wrong != right
    compile(wrong, mutant["file"], "exec")


def test_specialise_dispatch_and_codegen_are_all_tried():
    tried = {mutant["file"] for mutant in tool.mutants()}

    assert tried >= {f"ruleset/{name}.py" for name in ("specialise", "table", "compiled", "codegen")}
