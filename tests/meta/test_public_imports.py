"""Our own plugins need no more of falco than anybody's: what ``falco`` and ``falco.testing`` export."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLIC = {"falco", "falco.testing"}
MODULES = sorted(
    path
    for folder in ("plugins/*/src", "rules/src", "examples/*/src", "examples/*/tests")
    for parent in ROOT.glob(folder)
    for path in parent.rglob("*.py")
)


def imported(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def private(text):
    return sorted({name for name in imported(text) if name.startswith("falco.") and name not in PUBLIC})


def test_there_are_plugins_to_look_at():
    assert {path.relative_to(ROOT).parts[1] for path in MODULES} >= {"k8s_audit", "syscall", "outputs"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_imports_what_is_public(path):
    assert private(path.read_text(encoding="utf-8")) == []


def test_what_is_not_public_is_found():
    assert private("import falco.fields\nif 1:\n    from falco.clock import Clock\nfrom falco import Field") == [
        "falco.clock",
        "falco.fields",
    ]
