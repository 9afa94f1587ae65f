"""Falco's own falco.yaml is read as it stands."""

import pytest
from conftest import SHARED
from recorded.command import falco

UPSTREAM = SHARED / "upstream"
AUDIT = "plugins[]={name: k8saudit, library_path: libk8saudit.so, open_params: 'http://:9765/k8s-audit'}"

pytestmark = pytest.mark.skipif(not UPSTREAM.is_dir(), reason=f"no files of Falco: {UPSTREAM} is not a folder")


def dry_run(tmp_path, rules, *arguments):
    return falco(
        ["-c", str(UPSTREAM / "falco.yaml"), "-r", str(UPSTREAM / "rules" / rules), "--dry-run", *arguments], tmp_path
    )


def test_falcos_configuration_loads_with_falcos_rules(tmp_path):
    result = dry_run(tmp_path, "falco_rules.yaml")

    assert (result.code, "schema validation: ok" in result.stderr) == (0, True)


def test_rules_whose_plugin_it_does_not_load_say_how_to_load_it(tmp_path):
    result = dry_run(tmp_path, "k8s_audit_rules.yaml")

    assert result.code == 1
    assert "warning[" not in result.stderr
    assert "k8saudit is installed, load it in falco.yaml, or with -o 'plugins[]={name: k8saudit" in result.error
    assert "-o 'load_plugins[]=k8saudit'" in result.error


def test_with_that_done_the_audit_rules_load_too(tmp_path):
    assert dry_run(tmp_path, "k8s_audit_rules.yaml", "-o", AUDIT, "-o", "load_plugins[]=k8saudit").code == 0
