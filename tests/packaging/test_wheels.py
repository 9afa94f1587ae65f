"""The distributions as users get them: built, looked into, installed where nothing of this tree can be seen."""

import email
import json
import tomllib
import zipfile
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
EXAMPLE = "falco-source-jsonl"
pytestmark = [pytest.mark.wheels, pytest.mark.timeout(600)]


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def read_in(wheel, ending):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name)


def metadata_of(wheel):
    return email.message_from_bytes(read_in(wheel, ".dist-info/METADATA"))


# ---- what is in them ----


def test_every_distribution_says_the_same_version(wheels):
    versions = {name: metadata_of(path)["Version"] for name, path in wheels.items()}
    workspace = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert set(versions.values()) == {workspace}, versions


def test_plugins_need_a_core_of_their_version(wheels):
    for name, path in wheels.items():
        needed = metadata_of(path).get_all("Requires-Dist") or []
        if name != "falco-core":
            assert any(one.replace(" ", "").startswith("falco-core~=0.") for one in needed), name
        assert metadata_of(path)["Requires-Python"] == ">=3.11"


def test_types_are_there_for_type_checkers(wheels):
    for name, path in wheels.items():
        if name != EXAMPLE:
            assert [one for one in names_in(path) if one.endswith("/py.typed")], name


def test_tests_and_other_packages_are_not_in_them(wheels):
    for name, path in wheels.items():
        tops = {one.split("/")[0] for one in names_in(path)}
        package = {one for one in tops if not one.endswith(".dist-info")}

        assert package == {"falco" if name == "falco-core" else name.replace("-", "_")}
        assert not [one for one in names_in(path) if "/tests/" in one or Path(one).match("test_*.py")]


def test_rules_and_configuration_are_those_of_the_tree(wheels):
    files = sorted(path.name for path in (TREE / "rules").glob("*.yaml"))

    assert files
    for file in files:
        assert read_in(wheels["falco-rules"], f"falco_rules/{file}") == (TREE / "rules" / file).read_bytes()


def test_data_files_of_the_packages_are_in_them(wheels):
    for name, folder in (("falco-core", "core"), ("falco-syscall", "plugins/syscall")):
        source = TREE / folder / "src"
        data = [path for path in source.rglob("*") if path.suffix in {".json", ".txt", ".yaml"}]
        assert {path.relative_to(source).as_posix() for path in data} <= set(names_in(wheels[name]))


# ---- what they do, installed ----


def test_version_is_printed_by_script_and_module(everything, wheels):
    script, module = everything.falco("--version"), everything.python("-m", "falco", "--version")

    assert (script.returncode, module.returncode) == (0, 0), script.stderr + module.stderr
    assert script.stdout == module.stdout
    assert metadata_of(wheels["falco-core"])["Version"] in script.stdout.splitlines()[0]


def test_an_audit_log_becomes_alerts(everything):
    (everything.cwd / "audit.jsonl").write_bytes((TREE / "examples/audit.jsonl").read_bytes())

    result = everything.falco("scan", "audit.jsonl", "--json")

    assert result.returncode == 1, result.stderr
    alerts = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert {alert["rule"] for alert in alerts} >= {"Privileged Workload Created", "Exec or Attach to Pod"}


def test_several_processes_find_the_same(everything):
    (everything.cwd / "audit.jsonl").write_bytes((TREE / "examples/audit.jsonl").read_bytes())

    one, two = (everything.falco("scan", "audit.jsonl", *jobs) for jobs in ((), ("--jobs", "2")))

    assert (one.returncode, two.returncode) == (1, 1), two.stderr
    assert one.stdout == two.stdout


def test_a_plugin_of_a_third_party_is_loaded_by_name(everything):
    (everything.cwd / "app.jsonl").write_text('{"action": "login", "ok": false, "user": "eve"}\n{"action": "logout"}\n')
    (everything.cwd / "rules.yaml").write_text(
        "- rule: Failed login\n"
        "  desc: Somebody could not log in.\n"
        "  condition: jsonl.value[action] = login and jsonl.value[ok] = false\n"
        "  output: Login failed (user=%jsonl.value[user])\n"
        "  priority: WARNING\n"
        "  source: jsonl\n"
    )
    (everything.cwd / "falco.yaml").write_text(
        "load_plugins: [jsonl]\n"
        "plugins: [{name: jsonl, library_path: libjsonl.so, open_params: app.jsonl}]\n"
        "rules_files: [rules.yaml]\n"
        "engine: {kind: nodriver}\n"
        "stdout_output: {enabled: true}\n"
        "log_syslog: false\n"
    )

    result = everything.falco("-c", "falco.yaml")

    assert result.returncode == 0, result.stderr
    assert "Warning Login failed (user=eve)\n" in result.stdout
    assert "Events detected: 1" in result.stdout


def test_the_fixtures_are_there_without_being_asked_for(everything):
    (everything.cwd / "test_rules.py").write_text(
        "RULE = '''\n"
        "- rule: Made\n"
        "  desc: Something was made.\n"
        "  condition: ka.verb = create\n"
        "  output: made by %ka.user.name\n"
        "  priority: INFO\n"
        "  source: k8s_audit\n"
        "'''\n"
        "EVENT = {'kind': 'Event', 'auditID': '1', 'stageTimestamp': '2026-03-09T09:00:01.500000Z', 'verb': 'create'}\n"
        "def test_rule_fires_for_creation_only(run_rules):\n"
        "    found = run_rules(RULE, [EVENT, {**EVENT, 'verb': 'get'}], source='k8s_audit')\n"
        "    assert [alert.num for alert in found.of_rule('Made')] == [1]\n"
    )

    result = everything.python("-m", "pytest", "-q", "-W", "error", "test_rules.py")

    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


def test_core_alone_says_what_is_missing(core_alone):
    (core_alone.cwd / "audit.yaml").write_text(
        "plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: audit.jsonl}]\nlog_syslog: false\n"
    )
    version, first = core_alone.falco("--version"), core_alone.falco("scan", "audit.jsonl")
    configured = core_alone.falco("-c", "audit.yaml")

    assert (version.returncode, version.stdout[:15]) == (0, "Falco version: "), version.stderr
    assert (first.returncode, configured.returncode) == (2, 1)  # a scan that failed, a run that failed
    assert "pip install falco-core[all]" in first.stderr
    assert "no installed plugin answers to 'k8saudit'" in configured.stderr
    assert not [result.stderr for result in (first, configured) if "Traceback" in result.stderr]


def test_a_new_plugin_installs_passes_its_own_tests_and_runs(everything):
    made = everything.falco("plugin", "new", "door_log")
    assert made.returncode == 0, made.stderr
    folder = everything.cwd / "falco-source-door-log"

    installed = everything.python("-m", "pip", "-qqq", "--disable-pip-version-check", "install", "-e", str(folder))
    assert installed.returncode == 0, installed.stderr
    tests = everything.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder))
    assert tests.returncode == 0, tests.stdout
    assert "passed" in tests.stdout

    (everything.cwd / "door.log").write_text("opened by eve\ndenied to mallory\n")
    blocks = (folder / "README.md").read_text().split("```yaml\n")[1:]
    config, rules = (block.split("```")[0] for block in blocks)
    (everything.cwd / "door.yaml").write_text(config.replace("/var/log/door_log.log", "door.log"))
    (everything.cwd / "rules.yaml").write_text(rules)
    run = everything.falco("-c", "door.yaml")
    assert "Warning Denied (line=denied to mallory)\n" in run.stdout, run.stderr
