import pytest

from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.errors import RuleError
from falco.fields.model import Field, FieldClass
from falco.fields.registry import Fields
from falco.rules import describe
from falco.rules.additions import Addition
from falco.rules.loader import RuleLoader
from falco.rules.schema import rule_schema

TEXT = """
- required_engine_version: 5
- required_engine_version: 0.57.1
- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: b, version: 2.0.0}]}]
- list: base
  items: [x]
- list: l
  items: [base, y, "a b"]
- macro: m
  condition: proc.name in (l, z)
- macro: idle
  condition: proc.pid exists
- rule: one
  desc: >
    What the first rule is about
  condition: m and (proc.name startswith oneof (p, q) or fd.name = y)
  output: " %proc.name %tolower(fd.name) %proc.name "
  priority: ERROR
  tags: [b, a]
  exceptions:
    - {name: e1, fields: [fd.name], comps: [endswith], values: [[v]]}
    - {name: e2, fields: proc.pid}
- rule: one
  condition: and proc.pid > 1
  override: {condition: append}
- rule: two
  desc: d
  condition: proc.pid = 1
  output: o
  priority: INFO
  enabled: false
"""


def test_everything_is_described(load):
    loader, result = load(TEXT, append_output=[Addition(rule="one", output="more", fields=(("k", "%proc.pid"),))])
    described = describe.to_json(loader)

    assert result.is_successful
    assert described["required_engine_version"] == "0.57.1"
    assert described["required_plugin_versions"] == [
        {"name": "a", "version": "1.0.0", "alternatives": [{"name": "b", "version": "2.0.0"}]}
    ]
    assert [rule["info"]["name"] for rule in described["rules"]] == ["one", "two"]
    assert (
        described["rules"][0]
        == {
            "info": {
                "name": "one",
                "condition": "m and (proc.name startswith oneof (p, q) or fd.name = y) and proc.pid > 1",
                "priority": "Error",
                "output": "%proc.name %tolower(fd.name) %proc.name",
                "description": "What the first rule is about\n",
                "enabled": True,
                "source": "syscall",
                "capture": False,
                "capture_duration": 0,
                "tags": ["a", "b"],
            },
            "details": {
                "macros": ["m"],
                "lists": [],
                "condition_operators": ["=", ">", "endswith", "in", "startswith oneof"],
                "condition_fields": ["fd.name", "proc.name", "proc.pid"],
                "output_fields": ["proc.name", "fd.name", "tolower(fd.name)", "proc.name"],
                "exception_fields": ["fd.name"],
                "exception_names": ["e1", "e2"],
                "exception_operators": ["endswith", "in"],
                "events": ["asyncevent", "pluginevent"],
                "condition_compiled": (
                    '((proc.name in (x, y, "a b", z) and (proc.name startswith oneof (p, q) or fd.name = x)) and proc.pid > 1'
                ),
                "output_compiled": "%proc.name %tolower(fd.name) %proc.name more",
                "plugins": [],
                "extra_output_formatted_fields": {"k": "%proc.pid"},
            },
        }
        or described["rules"][0]["details"]["condition_compiled"]
    )
    assert described["macros"][0] == {
        "info": {"name": "m", "condition": "proc.name in (l, z)"},
        "details": {
            "used": True,
            "macros": [],
            "lists": ["l"],
            "condition_operators": ["in"],
            "condition_fields": ["proc.name"],
            "events": ["asyncevent", "pluginevent"],
            "condition_compiled": 'proc.name in (x, y, "a b", z)',
            "plugins": [],
        },
    }
    assert [macro["details"]["used"] for macro in described["macros"]] == [True, False]
    assert described["lists"][1] == {
        "info": {"name": "l", "items": ["y", "a b"]},
        "details": {"used": True, "lists": ["base"], "items_compiled": ["x", "y", "a b"], "plugins": []},
    }


def test_one_rule_is_described_by_name(load):
    loader, _ = load(TEXT)

    assert [rule["info"]["name"] for rule in describe.to_json(loader, "two")["rules"]] == ["two"]
    assert list(describe.to_json(loader, "two")) == ["rules"]
    with pytest.raises(RuleError, match='^Rule "three" is not loaded$'):
        describe.to_json(loader, "three")
    with pytest.raises(RuleError, match='^Rule "three" is not loaded$'):
        describe.text(loader, "three")


def test_a_rule_in_full_has_the_macros_in_its_macros_and_their_lists_once(load):
    loader, _ = load(
        """
- list: l
  items: [x, y]
- macro: inner
  condition: proc.name in (l)
- macro: outer
  condition: inner or not inner
- rule: one
  desc: D
  condition: outer and inner
  output: O
  priority: INFO
"""
    )

    heads = [paragraph.splitlines()[0].split() for paragraph in describe.in_full(loader, "one").split("\n\n")]

    assert heads == [["rule:", "one"], ["macro:", "inner"], ["macro:", "outer"], ["list:", "l"]]


def test_the_text_has_two_columns_and_wraps(load):
    loader, _ = load(TEXT.replace("What the first rule is about", "word " * 30))

    assert describe.text(loader) == (
        "Rule                                               Description\n"
        "----                                               -----------\n"
        f"{'one':<50} {('word ' * 22).strip()}\n"
        f"{'':<50} {('word ' * 8).strip()}\n"
        "\n"
        f"{'two':<50} d\n"
        "\n"
    )


def test_plugins_are_those_of_the_source_and_of_the_fields():
    fields = [Field("j.x", lambda _: lambda _: None, group=FieldClass("json (plugin)"))]
    loader = RuleLoader({"audit": Scope("audit", Fields("audit", fields), BUILT_IN)})
    text = "- rule: r\n  desc: d\n  condition: j.x exists\n  output: o\n  priority: INFO\n  source: audit\n"
    loader.load("f", text.encode())

    (rule,) = describe.to_json(loader, plugins={"audit": "k8saudit"})["rules"]
    assert rule["details"]["plugins"] == ["json", "k8saudit"]


def test_the_schema_has_every_key_that_the_loader_knows():
    from falco.rules import reading

    known = {*reading._LIST_KEYS, *reading._MACRO_KEYS, *reading._RULE_KEYS}
    known |= {"required_engine_version", "required_plugin_versions"}
    items = rule_schema()["items"]

    assert set(items["properties"]) == known
    assert items["additionalProperties"] is False
