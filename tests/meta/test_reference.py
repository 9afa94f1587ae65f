"""What the documentation says of the code is what the code is."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

from falco.plugins import hookspecs
from falco.plugins.manager import PluginManager

ROOT = Path(__file__).parents[2]
HOOKS = [name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("falco_")]


def test_generated_pages_are_up_to_date():
    ran = subprocess.run(
        [sys.executable, "tools/make_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout + ran.stderr


def test_every_hook_says_what_it_is_for():
    assert HOOKS
    for name in HOOKS:
        assert inspect.getdoc(getattr(hookspecs, name)), name


def test_every_hook_is_implemented_by_a_plugin_or_a_test():
    texts = [
        path.read_text(encoding="utf-8")
        for folder in ("plugins", "rules", "examples", "core/tests", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
    ]
    for name in HOOKS:
        assert any(f"def {name}(" in text for text in texts), name


def test_every_field_has_a_description():
    manager = PluginManager.of_environment()
    for source in ("k8s_audit", "syscall"):
        fields = [field for _, field in manager.collect("falco_register_fields", source=source)]

        assert fields
        assert [field.name for field in fields if not field.doc.strip()] == []


def test_every_difference_says_what_and_why():
    with (ROOT / "tests/conformance/differences.toml").open("rb") as file:
        rows = tomllib.load(file)["difference"]

    assert [row for row in rows if not (row.get("ours") and row.get("why"))] == []
