"""Falco's own falco.yaml is read as it stands."""

import pytest
from recorded.command import falco

AUDIT = "plugins[]={name: k8saudit, library_path: libk8saudit.so, open_params: 'http://:9765/k8s-audit'}"


@pytest.fixture
def dry_run(conformance, tmp_path):
    upstream = conformance.parent / "upstream"
    if not upstream.is_dir():
        pytest.skip(f"no files of Falco: {upstream} is not a folder")

    def run(rules, *arguments):
        configuration = ["-c", str(upstream / "falco.yaml"), "-r", str(upstream / "rules" / rules)]
        return falco([*configuration, "--dry-run", *arguments], tmp_path)

    return run


def test_falcos_configuration_loads_with_falcos_rules(dry_run):
    result = dry_run("falco_rules.yaml")

    assert (result.code, "schema validation: ok" in result.stderr) == (0, True)


def test_rules_whose_plugin_it_does_not_load_say_how_to_load_it(dry_run):
    result = dry_run("k8s_audit_rules.yaml")

    assert result.code == 1
    assert "warning[" not in result.stderr
    assert "k8saudit is installed, load it in falco.yaml, or with -o 'plugins[]={name: k8saudit" in result.error
    assert "-o 'load_plugins[]=k8saudit'" in result.error


def test_with_that_done_the_audit_rules_load_too(dry_run):
    assert dry_run("k8s_audit_rules.yaml", "-o", AUDIT, "-o", "load_plugins[]=k8saudit").code == 0
