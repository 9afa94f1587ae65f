"""Rule files as a whole: what is read, what is refused, what is warned about, and where."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falco.conditions.checked import And, Check, Not, Or
from falco.conditions.errors import MAX_FURTHER
from falco.conditions.event_types import EventTypes
from falco.conditions.printer import to_text
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.diagnostics import point
from falco.events.catalogue import EventCatalogue, EventCategory, EventType
from falco.fields import registry
from falco.fields.model import Field
from falco.fields.registry import Fields
from falco.rules.additions import Addition
from falco.rules.codes import ErrorCode, WarningCode
from falco.rules.loader import RuleLoader
from falco.rules.model import Priority

RULE = "- rule: {name}\n  desc: d\n  condition: {condition}\n  output: {output}\n  priority: {priority}\n"


def rule(name="r", condition="proc.name = a", output="o", priority="INFO", more=""):
    return RULE.format(name=name, condition=condition, output=output, priority=priority) + more


def faults(result, kind="errors"):
    """Each fault as place, code and message."""
    found = []
    for diagnostic in getattr(result, kind):
        at = point(diagnostic.place, result.files)
        found.append((str(at) if at else "", diagnostic.code, diagnostic.message))
    return found


def codes(result, kind="warnings"):
    return [diagnostic.code for diagnostic in getattr(result, kind)]


def condition(loader, name="r"):
    (compiled,) = (one for one in loader.compiled.rules if one.rule.name == name)
    return to_text(compiled.expr)


def test_a_rule_is_read_with_all_its_parts(load):
    more = "  source: other\n  tags: [b, a, b]\n  enabled: no\n  capture: yes\n  capture_duration: 010\n"
    loader, result = load(rule(output="'  x %proc.name\\t '", priority="info", more=more))

    (one,) = loader.rules
    assert result.is_successful
    assert (one.name, one.source, one.priority, one.description) == ("r", "other", Priority.INFORMATIONAL, "d")
    assert (one.tags, one.enabled, one.capture, one.capture_duration_ms) == (("a", "b"), False, True, 8)
    assert one.output.pieces[0] == "x "
    assert isinstance(one.condition, Check)
    assert one.event_types is None


def test_a_rule_is_of_syscalls_if_it_does_not_say(load):
    assert load(rule())[0].rules[0].source == "syscall"


def test_keys_of_ours_stand_below_one_key(load):
    loader, result = load(rule(more="  x-falco-py: {anything: [1, 2]}\n"))

    assert result.summary == "rules.yaml: Ok"
    assert result.to_json()["schema_valid"]
    assert len(loader.rules) == 1


def test_rules_are_evaluated_in_the_order_of_their_first_definition(load):
    loader, _ = load(rule("a") + rule("b") + rule("a", output="new"))

    assert [(one.name, one.output.pieces) for one in loader.rules] == [("a", ("new",)), ("b", ("o",))]
    assert [one.index for one in loader.rules] == sorted(one.index for one in loader.rules)


def test_rules_less_urgent_than_asked_for_are_left_out(load):
    loader, _ = load(rule("a", priority="ERROR") + rule("b", priority="NOTICE"), min_priority=Priority.WARNING)

    assert [one.name for one in loader.rules] == ["a"]
    assert len(loader.compiled.rules) == 2


def test_a_rule_of_an_unknown_source_is_left_out_with_a_warning(load):
    loader, result = load(rule(condition="no.field = x", more="  source: mars\n"))

    assert not loader.rules
    assert [fault[1:] for fault in faults(result, "warnings")] == [
        ("LOAD_UNKNOWN_SOURCE", "Unknown source mars, skipping")
    ]


def test_macros_and_lists_are_put_in(load):
    text = "- list: l\n  items: [a, b]\n- macro: m\n  condition: proc.name in (l) or proc.pid > 1\n"
    loader, result = load(text + rule(condition="m and not m"))

    assert result.summary == "rules.yaml: Ok"
    inner = "(proc.name in (a, b) or proc.pid > 1)"
    assert condition(loader) == f"({inner} and not {inner})"
    assert isinstance(loader.rules[0].condition, And)
    assert isinstance(loader.rules[0].condition.children[0], Or)
    assert isinstance(loader.rules[0].condition.children[1], Not)


def test_a_macro_sees_the_macros_before_it_only(load):
    text = "- macro: a\n  condition: b\n- macro: b\n  condition: proc.name = x\n"
    _, result = load(text)

    assert faults(result) == [("rules.yaml:2:14", "LOAD_ERR_VALIDATE", "Undefined macro 'b' used in filter.")]
    assert "defined after this, rules.yaml:3: move it before" in result.text()


def test_redefining_a_macro_lets_it_see_what_came_since(load):
    text = "- macro: a\n  condition: proc.pid = 1\n- macro: b\n  condition: proc.name = x\n- macro: a\n  condition: b\n"
    loader, result = load(text + rule(condition="a"))

    assert result.is_successful
    assert condition(loader) == "proc.name = x"


def test_appending_to_a_macro_or_list_lets_it_see_what_came_since(load):
    text = "- macro: a\n  condition: proc.pid = 1\n- macro: b\n  condition: proc.name in (l)\n"
    text += "- list: l\n  items: [m]\n- list: m\n  items: [x]\n"
    text += "- macro: a\n  condition: and b\n  override: {condition: append}\n"
    text += "- list: l\n  items: [y]\n  override: {items: append}\n"
    loader, result = load(text + rule(condition="a"))

    assert result.is_successful
    assert condition(loader) == "(proc.pid = 1 and proc.name in (x, y))"


def test_a_loop_of_macros_is_an_error_with_the_way(load):
    text = "- macro: a\n  condition: proc.pid = 1\n- macro: b\n  condition: a\n- macro: a\n  condition: b and b\n"
    _, result = load(text + rule(condition="a"))

    assert faults(result) == [("rules.yaml:6:14", "LOAD_ERR_VALIDATE", "reference loop in macro 'b'")]
    assert "the macros are used as b -> a -> b" in result.text()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("{condition: append}", "proc.name = a or proc.pid = 1 and proc.pid = 2"),
        ("{condition: replace}", "or proc.pid = 1 and proc.pid = 2"),
    ],
)
def test_text_is_appended_before_it_is_parsed(load, override, expected):
    base = rule(condition="proc.name = a")
    loader, result = load(base + f"- rule: r\n  condition: or proc.pid = 1 and proc.pid = 2\n  override: {override}\n")

    assert str(loader.compiled.rules[0].collected.definition.condition) == expected if loader.rules else result.errors


def test_everything_that_can_be_overridden_is(load):
    change = {
        "condition": "and proc.pid = 1",
        "desc": "e",
        "output": "p",
        "tags": ["t"],
        "priority": "ERROR",
        "enabled": "false",
        "capture": "true",
        "capture_duration": "5",
        "warn_evttypes": "false",
        "skip-if-unknown-filter": "true",
        "exceptions": [{"name": "e", "fields": "proc.pid", "values": ["7"]}],
    }
    appended = ("condition", "desc", "output", "tags", "exceptions")
    override = {key: "append" if key in appended else "replace" for key in change}
    item = json.dumps([{"rule": "r", **change, "override": override}])
    loader, result = load(rule(more="  tags: [s]\n") + "\n---\n" + item)

    (one,) = loader.rules
    assert result.is_successful
    assert (one.description, one.output.pieces, one.tags) == ("d e", ("o p",), ("s", "t"))
    assert (one.priority, one.enabled, one.capture, one.capture_duration_ms) == (Priority.ERROR, False, True, 5)
    assert condition(loader) == "((proc.name = a and proc.pid = 1) and not proc.pid in (7))"


def test_a_standalone_enabled_switches_a_rule_and_is_deprecated(load):
    loader, result = load(rule() + "- rule: r\n  enabled: false\n")

    assert [one.enabled for one in loader.rules] == [False]
    assert codes(result) == ["LOAD_DEPRECATED_ITEM"]


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ("[{name: e, fields: [proc.name, proc.pid], values: [[a, 1], [b, 2]]}]",
         "(proc.name = x and not ((proc.name = a and proc.pid = 1) or (proc.name = b and proc.pid = 2)))"),
        ("[{name: e, fields: [proc.name], comps: [in], values: [[[a, b c]], [d], ['(e, f)']]}]",
         '(proc.name = x and not (proc.name in (a, "b c") or proc.name in (d) or proc.name in (e, f)))'),
        ("[{name: e, fields: proc.name, comps: startswith oneof, values: [a, b]}]",
         "(proc.name = x and not proc.name startswith oneof (a, b))"),
        ("[{name: e, fields: proc.name, values: [l]}, {name: f, fields: [proc.pid]}]",
         "(proc.name = x and not proc.name in (i, j))"),
        ("[{name: e, fields: [tolower(proc.name)], values: [[a]]}]", "(proc.name = x and not tolower(proc.name) = a)"),
        ("[]", "proc.name = x"),
    ],
)  # fmt: skip
def test_exceptions_become_negated_groups(load, exceptions, expected):
    text = "- list: l\n  items: [i, j]\n" + rule(condition="proc.name = x", more=f"  exceptions: {exceptions}\n")
    loader, result = load(text)

    assert result.is_successful
    assert condition(loader) == expected


def test_values_are_appended_to_an_exception_of_the_same_name(load):
    base = rule(more="  exceptions: [{name: e, fields: proc.pid, values: [1]}]\n")
    more = "- rule: r\n  exceptions: [{name: e, values: [2]}, {name: f, fields: [proc.name], values: [[b]]}]\n"
    loader, result = load(base + more + "  override: {exceptions: append}\n")

    assert result.is_successful
    assert condition(loader) == "(proc.name = a and not proc.pid in (1, 2) and not proc.name = b)"


def test_exceptions_that_replace_others_get_the_default_operators(load):
    base = rule(more="  exceptions: [{name: e, fields: proc.pid, values: [1]}]\n")
    more = (
        "- rule: r\n  exceptions: [{name: e, fields: [proc.pid], values: [[2]]}]\n  override: {exceptions: replace}\n"
    )
    loader, result = load(base + more)

    assert result.is_successful
    assert condition(loader) == "(proc.name = a and not proc.pid = 2)"


OVERRIDE = "- rule: r\n  override: {override}\n  {key}: x\n"


FAULTS = [
("x", "YAML_VALIDATE", "Rules content is not yaml"),
("a: b", "YAML_VALIDATE", "Rules content is not yaml array of objects"),
("- x", "YAML_VALIDATE", "Unexpected element type. Each element should be a yaml associative array."),
("- [", "YAML_PARSE", "not YAML: while parsing a flow node: did not find expected node content"),
("- list: l", "YAML_VALIDATE", "Item has no mapping for key 'items'"),
("- list: l\n  items: x", "YAML_VALIDATE", "Value is not a sequence"),
("- list: l\n  items: [[x]]", "YAML_VALIDATE", "sequence value is not scalar"),
("- macro: m\n  condition: ''", "YAML_VALIDATE", "Value must be non-empty"),
("- macro: m\n  condition: [a]", "YAML_VALIDATE", "Value is not a scalar value"),
("- macro:\n  condition: a", "YAML_VALIDATE", "Mapping for key 'macro' is empty"),
("- rule: r", "YAML_VALIDATE", "Item has no mapping for key 'enabled'"),
(rule(priority="high"), "YAML_VALIDATE", "Invalid priority"),
(rule(more="  enabled: maybe\n"), "YAML_VALIDATE", "Can't decode YAML scalar value"),
(rule(more="  capture_duration: -1\n"), "YAML_VALIDATE", "Can't decode YAML scalar value"),
(rule(more="  x-falco-py: 1\n"), "YAML_VALIDATE", "Value of x-falco-py must be a mapping"),
("- required_engine_version: seven", "YAML_VALIDATE",
 "Unable to parse engine version 'seven' as a semver string. Expected \"x.y.z\" semver format."),
("- required_engine_version: 0.64.0\n- nonsense", "VALIDATE",
 "Rules require engine version 0.64.0, but engine version is 0.63.0"),
("- required_plugin_versions: x", "YAML_VALIDATE", "Value of required_plugin_versions must be a sequence"),
("- required_plugin_versions: [x]", "YAML_VALIDATE", "Plugin version must be a mapping"),
("- required_plugin_versions: [{name: a, version: '1'}]", "VALIDATE",
 "Invalid required version '1' for plugin 'a'"),
("- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: x}]", "YAML_VALIDATE",
 "Value of plugin version alternatives must be a sequence"),
("- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [x]}]", "YAML_VALIDATE",
 "Plugin version alternative must be a mapping"),
("- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: a, version: 1.0.0}]}]",
 "VALIDATE", "Defined multiple alternative version requirements for plugin 'a'"),
("- list: l\n  items: []\n  append: true", "VALIDATE",
 "List uses 'append' or 'override.items: append' but no list by that name already exists"),
("- macro: m\n  condition: a\n  override: {condition: append}", "VALIDATE",
 "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists"),
("- rule: r\n  condition: a\n  append: true", "VALIDATE",
 "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"),
("- rule: r\n  condition: a\n  override: {condition: replace}", "VALIDATE",
 "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"),
("- rule: r\n  enabled: true", "VALIDATE",
 "Rule has 'enabled' key but no rule by that name already exists"),
(rule() + "- rule: r\n  append: true", "VALIDATE",
 "Appended rule must have exceptions or condition property"),
(rule() + "- rule: r\n  append: true\n  condition: and x\n  source: other", "VALIDATE",
 "Rule has been re-defined with a different source"),
(rule(more="  append: true\n  override: {desc: append}\n"), "YAML_VALIDATE",
 ("Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') "
 "under 'override' instead.")),
(OVERRIDE.format(override="{priority: append}", key="priority"), "YAML_VALIDATE",
 "Key 'priority' cannot be appended to, use 'replace' instead"),
(OVERRIDE.format(override="{source: replace}", key="source"), "YAML_VALIDATE", "Key 'source' cannot be replaced"),
(OVERRIDE.format(override="{desc: add}", key="desc"), "YAML_VALIDATE",
 "Invalid override operation for key 'desc': 'add'. Allowed values are: append replace "),
(OVERRIDE.format(override="{nope: add}", key="desc"), "YAML_VALIDATE",
 "Invalid override operation for key 'nope': 'add'. Allowed values are: "),
(OVERRIDE.format(override="[desc]", key="desc"), "VALIDATE",
 "Value of override must be a mapping of keys to 'append' or 'replace'"),
(OVERRIDE.format(override="{desc: [append]}", key="desc"), "VALIDATE",
 "Keys and operations of override must be scalars, such as 'condition: append'"),
(OVERRIDE.format(override="{output: append}", key="desc"), "YAML_VALIDATE",
 "An append override for 'output' was specified but 'output' is not defined"),
(rule() + "- rule: r\n  desc: x\n  output: y\n  override: {desc: append}\n", "YAML_VALIDATE",
 "Unexpected key 'output': no corresponding entry under 'override' is defined."),
(rule(more="  exceptions: x\n"), "YAML_VALIDATE", "Rule exceptions must be a sequence"),
(rule(more="  exceptions: [x]\n"), "YAML_VALIDATE", "Rule exception must be a mapping"),
(rule(more="  exceptions: [{name: e}]\n"), "YAML_VALIDATE", "Item has no mapping for key 'fields'"),
(rule(more="  exceptions: [{name: e, fields: []}]\n"), "VALIDATE",
 "Rule exception item must have fields property with a list of fields"),
(rule(more="  exceptions: [{name: e, fields: [proc.pid], values: x}]\n"), "YAML_VALIDATE",
 "Rule exception values must be a sequence"),
(rule(more="  exceptions: [{name: e, fields: [proc.pid], comps: [=, =]}]\n"), "VALIDATE",
 "Fields and comps lists must have equal length"),
(rule(more="  exceptions: [{name: e, fields: [proc.pid], comps: [like]}]\n"), "VALIDATE",
 "'like' is not a supported comparison operator"),
(rule(more="  exceptions: [{name: e, fields: [proc.pid], comps: ['in oneof']}]\n"), "VALIDATE",
 "'in oneof' is not a supported comparison operator"),
(rule(more="  exceptions: [{name: e, fields: [no.such]}]\n"), "VALIDATE",
 "'no.such' is not a supported filter field"),
(rule(more="  exceptions: [{name: e, fields: proc.pid, comps: [in]}]\n"), "VALIDATE",
 "Fields and comps must both be strings"),
(rule(more="  exceptions: [{name: e, fields: proc.pid, comps: '='}]\n"), "VALIDATE",
 ("When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator "
 "(e.g. startswith oneof)")),
(rule(more="  exceptions: [{name: e, fields: proc.pid, values: [[1]]}]\n"), "VALIDATE",
 "Expected values array to contain a list of strings"),
(rule(more="  exceptions: [{name: e, fields: [proc.pid], values: [[1, 2]]}]\n"), "VALIDATE",
 "Fields and values lists must have equal length"),
(rule() + "- rule: r\n  append: true\n  exceptions: [{name: e, values: [1]}]\n", "VALIDATE",
 "Rule exception must have fields property with a list of fields"),
(rule() + "- rule: r\n  append: true\n  exceptions: [{name: e, fields: proc.pid, values: []}]\n", "VALIDATE",
 "Rule exception must have values property with a list of values"),
(rule(more="  exceptions: [{name: e, fields: proc.pid}]\n")
 + "- rule: r\n  append: true\n  exceptions: [{name: e, fields: proc.pid, values: [1]}]\n", "VALIDATE",
 "Can not append exception fields to existing exception, only values"),
(rule(output="'%no.such'"), "COMPILE_OUTPUT", "unknown filter: unexpected token after '"),
(rule(output="100%"), "COMPILE_OUTPUT", "invalid formatting syntax: formatting cannot end with a %"),
(rule(condition="proc.name = = a"), "COMPILE_CONDITION",
 ("expected a string value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', "
 "'len', 'join', 'concat', 'getopt'")),
(rule(condition="no.such = a"), "COMPILE_CONDITION", "filter_check called with nonexistent field no.such"),
(rule(condition="nope"), "VALIDATE", "Undefined macro 'nope' used in filter."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "message"), FAULTS, ids=lambda value: repr(value)[-60:])
def test_each_fault_has_its_code_and_sentence(load, text, code, message):
    loader, result = load(text)

    assert [(fault[1], fault[2]) for fault in faults(result)] == [(f"LOAD_ERR_{code}", message)]
    assert all(place for place, _, _ in faults(result))
    assert not result.is_successful
    assert "r" not in [one.name for one in loader.rules]
    assert result.to_json()["errors"][0]["message"] == message
    assert result.text().startswith("rules.yaml: Invalid\n")


WARNINGS = [
("- hello: world", "LOAD_UNKNOWN_ITEM"),
(rule(more="  colour: red\n"), "LOAD_UNKNOWN_KEY"),
("- list: a b\n  items: []\n" + rule(condition="proc.name in (a b)"), "LOAD_INVALID_LIST_NAME"),
("- macro: 1x\n  condition: proc.pid = 1\n", "LOAD_INVALID_MACRO_NAME"),
("- macro: m\n  condition: proc.pid = 1\n", "LOAD_UNUSED_MACRO"),
("- list: l\n  items: []\n", "LOAD_UNUSED_LIST"),
(rule() + "- rule: r\n  append: true\n  condition: and proc.pid = 1", "LOAD_DEPRECATED_ITEM"),
(rule(output="'%container.info x'"), "LOAD_DEPRECATED_ITEM"),
(rule(condition="evt.dir = <"), "LOAD_DEPRECATED_ITEM"),
(rule(output="'%evt.dir'"), "LOAD_DEPRECATED_ITEM"),
(rule(condition="proc.name = proc.name"), "LOAD_COMPILE_CONDITION"),
(rule(more="  exceptions: [{name: e, fields: proc.pid}, {name: e, fields: proc.pid}]\n"),
 "LOAD_EXCEPTION_NAME_NOT_UNIQUE"),
(rule(more="  exceptions: [{name: e, fields: proc.pid}]\n")
 + "- rule: r\n  exceptions: [{name: e}]\n  override: {exceptions: append}\n", "LOAD_APPEND_NO_VALUES"),
(rule(condition="no.such = a", more="  skip-if-unknown-filter: true\n"), "LOAD_UNKNOWN_FILTER"),
(rule(output="'%no.such'", more="  skip-if-unknown-filter: true\n"), "LOAD_UNKNOWN_FILTER"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), WARNINGS, ids=lambda value: repr(value)[-50:])
def test_each_warning_has_its_code_and_the_file_is_used(load, text, code):
    _, result = load(text)

    assert code in codes(result)
    assert result.summary == "rules.yaml: Ok, with warnings"
    assert all(place for place, _, _ in faults(result, "warnings"))


def test_an_unsafe_comparison_is_warned_about():
    fields = Fields("k", [Field("ka.verb", lambda _: lambda _: None)])
    loader = RuleLoader({"k": Scope("k", fields, BUILT_IN)})
    result = loader.load("f", rule(condition="ka.verb = <NA>", more="  source: k\n").encode())

    assert codes(result) == ["LOAD_UNSAFE_NA_CHECK"]


def test_a_rule_for_very_many_event_types_is_warned_about_unless_it_says_not_to():
    types = tuple(EventType(code, f"call{code}", EventCategory.SYSCALL, True, True, True) for code in range(150))
    catalogue = EventCatalogue("syscall", "1.0.0", types)
    fields = [Field("evt.type", lambda _: lambda _: None), Field("proc.name", lambda _: lambda _: None)]
    scope = Scope("syscall", Fields("syscall", fields), BUILT_IN, EventTypes(catalogue))
    loader = RuleLoader({"syscall": scope})
    text = rule("a") + rule("b", more="  warn_evttypes: false\n") + rule("c", condition="evt.type = call7")
    result = loader.load("f", text.encode())

    assert [(w.code, w.context[-1].name) for w in result.warnings] == [("LOAD_NO_EVTTYPE", "a")]
    assert loader.rules[2].event_types == frozenset({7})
    assert len(loader.rules[0].event_types) == 150


def test_a_rule_that_is_skipped_for_an_unknown_field_is_not_there(load):
    loader, result = load(rule(condition="no.such = a", more="  skip-if-unknown-filter: true\n") + rule("b"))

    assert result.is_successful
    assert [one.name for one in loader.rules] == ["b"]


def test_skipping_is_for_unknown_fields_only(load):
    _, result = load(rule(condition="proc.name = = a", more="  skip-if-unknown-filter: true\n"))

    assert not result.is_successful


def test_all_faults_are_told_in_the_order_of_falcos_phases(load):
    text = (
        rule("a", condition="no.such = x")
        + "- macro: m\n  condition: proc.name = (\n"
        + rule("b", condition="m", output="'%no.such'")
        + "- list: l\n  items: x\n"
        + rule("c", priority="high")
    )
    _, result = load(text)

    assert [message for _, _, message in faults(result)] == [
        "Value is not a sequence",
        "Invalid priority",
        (
            "expected a string value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', "
            "'len', 'join', 'concat', 'getopt'"
        ),
        "filter_check called with nonexistent field no.such",
        "unknown filter: unexpected token after '",
    ]


def test_what_refers_to_an_item_with_a_fault_says_nothing(load):
    text = (
        "- list: l\n  items: x\n"
        "- macro: m\n  condition: proc.name in (l)\n"
        "- macro: n\n  condition: m and nope\n" + rule("a", condition="n") + rule("b", condition="proc.name in (l)")
    )
    loader, result = load(text)

    assert [message for _, _, message in faults(result)] == ["Value is not a sequence"]
    assert not loader.rules


def test_every_unknown_macro_of_a_rule_is_told(load):
    _, result = load(rule(condition="nope and (not nada or nope)"))

    assert [place for place, _, _ in faults(result)] == ["rules.yaml:3:14", "rules.yaml:3:28"]


def test_warnings_after_the_first_error_are_apart(load):
    text = (
        "- what: is\n"
        + rule(condition="no.such = x")
        + "- macro: m\n  condition: proc.pid = 1\n"
        + rule("b", condition="evt.dir = <")
    )
    _, result = load(text)

    assert codes(result) == ["LOAD_UNKNOWN_ITEM"]
    assert codes(result, "further_warnings") == ["LOAD_DEPRECATED_ITEM"]
    assert [w["code"] for w in result.to_json()["x-falco-py"]["warnings"]] == ["LOAD_DEPRECATED_ITEM"]


def test_warnings_of_items_after_one_with_a_fault_are_apart(load):
    _, result = load("- what: is\n- list: l\n- whatever: it\n")

    assert codes(result) == ["LOAD_UNKNOWN_ITEM"]
    assert codes(result, "further_warnings") == ["LOAD_UNKNOWN_ITEM"]


def test_output_faults_come_before_those_of_the_condition(load):
    _, result = load(rule(condition="no.such = x", output="'%no.such'"))

    assert codes(result, "errors") == ["LOAD_ERR_COMPILE_OUTPUT", "LOAD_ERR_COMPILE_CONDITION"]


def test_every_faulty_comparison_and_token_of_a_rule_is_told(load):
    _, result = load(rule(condition="no.a = x and (not no.b = y or no.c exists)", output="'%no.d and %no.e'"))

    assert [e.message.partition(" field ")[2] for e in result.errors[2:]] == ["no.a", "no.b", "no.c"]
    assert codes(result, "errors")[:2] == ["LOAD_ERR_COMPILE_OUTPUT"] * 2


def test_later_files_see_earlier_ones(scopes):
    loader = RuleLoader(scopes)
    first = loader.load("a.yaml", b"- macro: m\n  condition: proc.pid = 1\n")
    second = loader.load("b.yaml", rule(condition="m").encode())

    assert codes(first) == ["LOAD_UNUSED_MACRO"]
    assert second.summary == "b.yaml: Ok"
    assert condition(loader) == "proc.pid = 1"


def test_a_fault_in_appended_text_is_told_where_it_was_appended(scopes):
    loader = RuleLoader(scopes)
    loader.load("a.yaml", rule().encode())
    result = loader.load("b.yaml", b"- rule: r\n  condition: and no.such = 1\n  override: {condition: append}\n")

    assert result.text() == (
        "b.yaml: Invalid\n"
        "b.yaml:2:18: error[LOAD_ERR_COMPILE_CONDITION]: filter_check called with nonexistent field no.such\n"
        "    2 |   condition: and no.such = 1\n"
        "      |                  ^^^^^^^\n"
        '  in rule condition of rule "r"\n'
        "  appended here\n"
        "  hint: 'falco --list=syscall' shows the fields\n"
    )


def test_a_fault_in_a_list_is_told_where_the_list_is_used(load):
    _, result = load("- list: l\n  items: [x y, '(']\n" + rule(condition="proc.name in (l)"))

    (diagnostic,) = result.errors
    at = point(diagnostic.place, result.files)
    assert (str(at), at.note) == ("rules.yaml:5:28", "from list `l`, rules.yaml:1")


def test_a_fault_in_a_macro_is_told_there_with_the_way(load):
    text = "- macro: m\n  condition: no.such = 1\n- macro: n\n  condition: not m\n"
    _, result = load(text + rule(condition="proc.pid = 1 and n") + rule("s", condition="m"))

    printed = result.text()
    assert printed.count("rules.yaml:2:14: error[LOAD_ERR_COMPILE_CONDITION]") == 1
    assert "expanded from macro `m`, rules.yaml:4:18\n  expanded from macro `n`, rules.yaml:7:31\n" in printed
    assert '  also in rule condition of rule "s"\n' in printed


def test_a_fault_in_a_long_line_is_shown_around_the_caret(load):
    _, result = load(
        rule(condition=" or ".join(["proc.name = abcdefgh"] * 40) + " or no.such = 1" + " or evt.num = 1" * 20)
    )

    excerpt, caret = result.text().split("\n")[2:4]
    assert len(excerpt) < 180
    assert excerpt[caret.index("^") :].startswith("no.such")


def test_additions_go_to_the_rules_they_match(load):
    additions = [
        Addition(rule="a", output="A"),
        Addition(source="other", output="O"),
        Addition(tags=frozenset({"x", "y"}), output="XY", fields=(("k", "v %proc.pid"), ("proc.name", None))),
        Addition(is_suggested=True),
    ]
    text = rule("a") + rule("b", more="  source: other\n  tags: [x, y, z]\n") + rule("c", more="  tags: [x]\n")
    loader, result = load(text, append_output=additions)

    a, b, c = loader.compiled.rules
    assert result.is_successful
    assert [str(one.output) for one in (a, b, c)] == [
        "o A fd_name=%fd.name",
        "o O XY fd_name=%fd.name",
        "o fd_name=%fd.name",
    ]
    assert [(extra.key, extra.is_raw) for extra in b.rule.extra_fields] == [("k", False), ("proc.name", True)]
    assert not c.rule.extra_fields


@pytest.mark.parametrize(
    ("addition", "place", "shown"),
    [
        ({"output": "a %no.such b"}, "-p:1:3", "a %no.such b\n      |   ^^^^^^^^\n"),
        ({"output": "50% done"}, "-p:1:3", "50% done\n      |   ^\n"),
        ({"output": "a\n%tolowr(proc.name)"}, "-p:2:1", "%tolowr(proc.name)\n      | ^^^^^^^\n"),
        ({"fields": (("k", "v %no.such"),)}, "-p, k:1:3", "v %no.such\n      |   ^^^^^^^^\n"),
        ({"fields": (("no.such", None),)}, "-p, no.such:1:1", "no.such\n      | ^^^^^^^\n"),
    ],
)
def test_a_fault_in_an_addition_is_shown_in_the_addition(load, addition, place, shown):
    _, result = load(rule(), append_output=[Addition(name="-p", **addition)])

    assert faults(result) == [(place, "LOAD_ERR_COMPILE_OUTPUT", "unknown filter: unexpected token after '")]
    assert shown in result.text()
    assert 'in rule output of rule "r"' in result.text()


def test_every_code_is_provoked_by_a_test():
    elsewhere = {"LOAD_UNKNOWN_SOURCE", "LOAD_UNSAFE_NA_CHECK", "LOAD_NO_EVTTYPE"}
    provoked = {f"LOAD_ERR_{code}" for _, code, _ in FAULTS} | {code for _, code in WARNINGS} | elsewhere

    assert provoked == {code.name for code in (*ErrorCode, *WarningCode)}


# Bad input


@pytest.mark.parametrize(
    ("data", "printed"),
    [
        (b"- a\n- b\0c\n", "rules.yaml:2:4: error[LOAD_ERR_YAML_PARSE]: a NUL character"),
        (b"- a\n- \xffc\n", "rules.yaml:2:3: error[LOAD_ERR_YAML_PARSE]: byte 0xff is not UTF-8"),
        (b"#" * 10_000_001, "rules.yaml:1:1: error[LOAD_ERR_YAML_PARSE]: the file has more than 10,000,000 bytes"),
    ],
    ids=["nul", "latin-1", "large"],
)
def test_what_is_no_text_is_answered_with_its_place(scopes, data, printed):
    result = RuleLoader(scopes).load("rules.yaml", data)

    assert f"\n{printed}" in result.text()
    assert result.to_json()["errors"][0]["code"] == "LOAD_ERR_YAML_PARSE"


def test_a_chain_of_two_thousand_macros_is_loaded(load):
    text = "- macro: m0\n  condition: proc.pid = 1\n"
    text += "".join(f"- macro: m{n}\n  condition: not m{n - 1}\n" for n in range(1, 2_000))
    loader, result = load(text + rule(condition="m1999"))

    assert result.is_successful
    assert isinstance(loader.rules[0].condition, Not)


def test_macros_that_double_are_refused(load):
    text = "- macro: m0\n  condition: proc.pid = 1\n"
    text += "".join(f"- macro: m{n}\n  condition: m{n - 1} or m{n - 1}\n" for n in range(1, 100))
    _, result = load(text + rule(condition="m99"))

    message = "The condition has 131,072 comparisons with its macros put in, at most 100,000 are allowed"
    assert faults(result) == [("rules.yaml:36:14", "LOAD_ERR_VALIDATE", message)]


def test_macros_that_double_backwards_are_refused(load):
    text = "".join(f"- macro: m{n}\n  condition: proc.pid = 1\n" for n in range(60))
    text += "".join(f"- macro: m{n}\n  condition: m{n + 1} or m{n + 1}\n" for n in range(59))
    _, result = load(text + rule(condition="m0"))

    assert "more than 10^12 comparisons with its macros put in" in result.text()


def test_a_rule_with_too_many_comparisons_is_refused(load):
    text = "- macro: m\n  condition: " + " or ".join(["proc.pid = 1"] * 60_000) + "\n"
    _, result = load(text + rule(condition="m or m"))

    assert [place for place, _, _ in faults(result)] == ["rules.yaml:5:14"]


def test_ten_thousand_parentheses_are_refused_and_198_are_not(load):
    deep = "(" * 10_000 + "proc.pid = 1" + ")" * 10_000

    assert faults(load(rule(condition=deep))[1])[0][2] == "exceeded max depth limit of 1000"
    assert load(rule(condition="(" * 198 + "proc.pid = 1" + ")" * 198))[1].is_successful


# Properties

WORDS = st.sampled_from(
    ["rule", "macro", "list", "items", "condition", "output", "desc", "priority", "append", "override", "exceptions",
     "name", "fields", "comps", "values", "tags", "source", "enabled", "r", "m", "l", "INFO", "proc.name", "proc.name = a",
     "m and m", "proc.name in (l)", "replace", "true", "=", "in", "%proc.name", "", "~", "required_engine_version",
     "required_plugin_versions", "version", "1.0.0", "alternatives", "x-falco-py"]
)  # fmt: skip
TREES = st.recursive(
    WORDS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
ITEMS = st.lists(
    st.dictionaries(WORDS, TREES, max_size=6)
    | st.fixed_dictionaries(
        {"rule": st.just("r"), "desc": WORDS, "condition": WORDS, "output": WORDS, "priority": st.just("INFO")},
        optional={"override": TREES, "exceptions": TREES, "tags": TREES, "source": WORDS, "append": WORDS},
    )
    | st.fixed_dictionaries({"macro": WORDS, "condition": WORDS}, optional={"append": WORDS})
    | st.fixed_dictionaries({"list": WORDS, "items": st.lists(WORDS)}, optional={"append": WORDS}),
    max_size=6,
)
FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(ITEMS)
@FIXTURE
def test_any_yaml_is_loaded_or_answered_with_faults_in_its_file(scopes, items):
    loader = RuleLoader(scopes)
    text = yaml.safe_dump(items, sort_keys=False)
    result = loader.load("f", text.encode())

    assert result.is_successful == (not result.errors)
    assert json.loads(json.dumps(result.to_json()))["name"] == "f"
    assert result.text().startswith(result.summary)
    for diagnostic in (*result.errors, *result.warnings, *result.further_warnings):
        at = point(diagnostic.place, result.files)
        assert at is None or 0 <= at.mark.index <= len(text)


@given(st.text("-: \n[]{}'\"rulemaconditsvp=|>&*!#%,()\0", max_size=200).map(str.encode) | st.binary(max_size=100))
@FIXTURE
def test_any_data_is_loaded_or_answered_with_faults(scopes, data):
    result = RuleLoader(scopes).load("f", data)

    assert result.text()
    assert json.dumps(result.to_json())


@given(st.permutations(["a", "b", "c", "d"]))
@FIXTURE
def test_the_order_of_independent_files_does_not_matter(scopes, order):
    texts = {
        name: f"- list: l_{name}\n  items: [x, {name}]\n- macro: m_{name}\n  condition: proc.name in (l_{name})\n"
        + rule(
            f"r_{name}",
            condition=f"m_{name} and proc.pid = 1",
            more="  exceptions: [{name: e, fields: fd.name, values: [v]}]\n",
        )
        for name in order
    }
    loader = RuleLoader(scopes)
    results = [loader.load(name, texts[name].encode()) for name in order]
    alone = {name: RuleLoader(scopes) for name in order}
    for name, one in alone.items():
        one.load(name, texts[name].encode())

    assert all(result.summary.endswith(": Ok") for result in results)
    assert {one.name: one.condition for one in loader.rules} == {
        one.name: one.condition for single in alone.values() for one in single.rules
    }


@pytest.mark.parametrize("text", ["---\n---\n{}", "{}---\n", "--- # nothing\n---\n{}---\n---\n"])
def test_empty_documents_are_no_fault_in_the_text(load, text):
    _, result = load(text.format("- list: a\n  items: [b]\n"))

    assert result.is_successful
    assert "schema:" not in result.text()


def test_checks_beside_an_unknown_macro_are_looked_at_too(load):
    _, result = load(rule("r", condition="proc.nam = a and nomacro and proc.pid = x and proc.name = b"))

    assert [(error.code, error.place.start) for error in result.errors] == [
        ("LOAD_ERR_VALIDATE", 17),
        ("LOAD_ERR_COMPILE_CONDITION", 0),
        ("LOAD_ERR_COMPILE_CONDITION", 40),
    ]


def test_every_wrong_key_of_a_rule_is_told_and_the_rest_of_it_is_looked_at(scopes):
    text = """
- rule: r
  condition: proc.nme = a
  priority: WARNIN
  enabled: maybe
  tags: 5
"""
    loader = RuleLoader(scopes)
    found = loader.load("f.yaml", text.encode())

    assert [error.message for error in found.errors] == [
        "Item has no mapping for key 'output'",
        "Item has no mapping for key 'desc'",
        "Invalid priority",
        "Can't decode YAML scalar value",
        "Value is not a sequence",
        "filter_check called with nonexistent field proc.nme",
    ]
    assert loader.rules == ()


def test_checks_before_a_fault_of_syntax_are_looked_at_too(load):
    _, result = load(rule(condition="proc.pid = 1 and no.a = x and m and no.b exists and (proc.pid = 2 or"))

    first, *further = [error.message for error in result.errors]
    assert first == "expected blank or '(' after 'or'"
    assert [message.partition(" field ")[2] for message in further] == ["no.a", "no.b"]


def test_unknown_fields_before_a_fault_of_syntax_are_none_where_they_are_to_be_skipped(load):
    _, result = load(rule(condition="no.a = x and", more="  skip-if-unknown-filter: true\n"))

    assert [error.message for error in result.errors] == ["expected blank or '(' after 'and'"]


def test_of_very_many_faults_in_a_condition_only_the_first_are_looked_at(load, monkeypatch):
    asked = []
    monkeypatch.setattr(registry, "did_you_mean", lambda name, _known, **_how: asked.append(name) or "")
    _, result = load(rule(condition=" and ".join(f"no.f{number} = 1" for number in range(50))))

    assert len(result.errors) == len(asked) == MAX_FURTHER + 1


def test_a_missing_key_asks_whether_a_misspelt_one_was_meant(scopes):
    text = "- rule: r\n  desc: d\n  condtion: evt.num = 1\n  output: o\n  priority: INFO\n"

    (error,) = RuleLoader(scopes).load("f.yaml", text.encode()).errors

    assert error.message == "Item has no mapping for key 'condition'"
    assert error.hint == "is 'condtion' in line 3 meant to be 'condition'?"
