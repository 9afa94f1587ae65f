"""``x-falco-py.alert_format`` says how alerts are written, by the name of a formatter."""

import io
import json
import types

import pytest

from falco import Formatter, PluginError, hookimpl
from falco.cli import main
from falco.plugins.discovery import Found
from falco.plugins.manager import PluginManager

EVENT = {
    "kind": "Event",
    "auditID": "1",
    "stage": "ResponseComplete",
    "verb": "get",
    "stageTimestamp": "2026-03-09T09:00:00Z",
}
RULES = "[{rule: R, desc: d, condition: ka.verb = get, output: got it, priority: NOTICE, source: k8s_audit}]"


def run(folder, alert_format):
    (folder / "audit.jsonl").write_text(json.dumps(EVENT) + "\n")
    (folder / "rules.yaml").write_text(RULES)
    (folder / "falco.yaml").write_text(
        "engine: {kind: nodriver}\nrules_files: [rules.yaml]\nlog_syslog: false\nstdout_output: {enabled: true}\n"
        f"plugins: [{{name: k8saudit, open_params: {folder}/audit.jsonl}}]\nx-falco-py: {{alert_format: {alert_format}}}\n"
    )
    out, err = io.BytesIO(), io.BytesIO()
    code = main(["-c", "falco.yaml"], stdout=out, stderr=err, env={"TZ": "UTC"}, cwd=folder)
    return code, out.getvalue().decode().partition("\n")[0], err.getvalue().decode()


def test_a_named_format_is_used(tmp_path):
    pytest.importorskip("falco_k8s_audit")

    assert json.loads(run(tmp_path, "json")[1])["rule"] == "R"
    assert run(tmp_path, "text")[1] == "09:00:00.000000000: Notice got it"


def test_an_unknown_format_names_those_that_are_there(tmp_path):
    code, _, err = run(tmp_path, "yaml")

    assert code == 1
    assert "x-falco-py.alert_format: there is no 'yaml', only json, text" in err


class Short(Formatter):
    name = "short"

    def prepare(self, template):
        return lambda _alert: template.rule


def plugin(name):
    module = types.ModuleType(name)

    @hookimpl
    def falco_register_formatters():
        return [Short]

    module.falco_register_formatters = falco_register_formatters
    return Found(name=name, distribution=f"falco-{name}", version="1.0.0", summary="", module=module)


def test_plugins_bring_formats():
    assert PluginManager([plugin("a")]).formatter_types() == {"short": Short}


def test_two_plugins_with_one_format_are_both_named():
    with pytest.raises(PluginError, match="'a'.*'b'"):
        PluginManager([plugin("a"), plugin("b")]).formatter_types()
