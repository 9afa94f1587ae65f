"""What Falco's own unit tests assert about rule files, required plugins, switches of rules, macros and names."""

import json
import re

import pytest
from recorded import scopes
from recorded.verdict import Reason, Verdict

from falco.conditions import walk
from falco.conditions.ast import TransformerCall
from falco.conditions.parser import parse
from falco.conditions.printer import to_text
from falco.documents.text import Text
from falco.errors import RuleError
from falco.rules import describe, requirements, selection
from falco.rules.additions import Addition
from falco.rules.loader import RuleLoader
from falco.rules.model import Priority, Rule

DEFAULT_RULESET = "falco-default-ruleset"


@pytest.fixture(scope="module")
def cases(conformance):
    """The file of the cases."""
    return conformance / "unit" / "cases.jsonl"


@pytest.fixture(scope="module")
def sources():
    return {"syscall": scopes.syscall(with_containers=False)}


def of_kind(path, kind):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [case for line in lines if (case := json.loads(line))["kind"] == kind]


def judge(path, kind, check):
    verdict = Verdict(f"unit/{kind}")
    for case in of_kind(path, kind):
        difference = check(case)
        if isinstance(difference, Reason):
            verdict.excuse(difference)
        elif difference:
            verdict.differ(case["id"], difference)
        else:
            verdict.agree(case["id"])
    verdict.judge(path)


def test_rule_load(cases, sources):
    judge(cases, "rule_load", lambda case: rule_load(case, sources))


def rule_load(case, sources):
    setup, expect = case["setup"], case["expect"]
    loader = RuleLoader(
        sources,
        min_priority=Priority[setup.get("min_priority", "DEBUG").upper()],
        append_output=[*additions(setup)],
    )
    result = loader.load(case["filename"], case["rules"].encode())
    document = result.to_json()
    described = describe.to_json(loader)
    rules = {rule["info"]["name"]: rule["details"] for rule in described["rules"]}
    checks = {
        "success": lambda value: result.is_successful == value,
        "schema_validation": lambda value: schema(document) == value,
        "has_warnings": lambda value: bool(document["warnings"]) == value,
        "warnings_contain": lambda value: all(is_said(document["warnings"], part) for part in value),
        "warnings_not_contain": lambda value: not any(is_said(document["warnings"], part) for part in value),
        "errors_contain": lambda value: all(is_said(document["errors"], part) for part in value),
        "error0_snippet_contains": lambda value: value in document["errors"][0]["context"]["snippet"],
        "compiled_condition": lambda value: details(rules, "condition_compiled", value),
        "compiled_output": lambda value: details(rules, "output_compiled", value),
        "compiled_output_not_contains": lambda value: lacks(rules, value),
        "extra_output_formatted_fields": lambda value: details(rules, "extra_output_formatted_fields", value),
        "num_enabled_rules": lambda value: sum(rule.enabled for rule in loader.rules) == value,
        "describe": lambda value: all(is_at(described, path, test) for path, test in value.items()),
        "warning_snippet": lambda value: has_snippet(document["warnings"], value),
        "lists": lambda value: [item["info"]["name"] for item in described["lists"]] == value,
        "macros": lambda value: [item["info"]["name"] for item in described["macros"]] == value,
        "rules": lambda value: list(rules) == value,
        "note": lambda _: True,
    }
    failed = [key for key, value in expect.items() if not checks[key](value)]
    return f"{failed}: {[fault['message'] for fault in (*document['errors'], *document['warnings'])]}" if failed else ""


def additions(setup):
    for entry in setup.get("extra_output_format", ()):
        yield Addition(entry["source"], entry["rule"], frozenset(entry["tags"]), output=entry["format"])
    for entry in setup.get("extra_output_fields", ()):
        fields = ((entry["key"], entry.get("format")),)
        yield Addition(entry["source"], entry["rule"], frozenset(entry["tags"]), fields=fields)


def schema(document):
    if "schema_valid" not in document:
        return "none"
    return "ok" if document["schema_valid"] else "failed"


def is_said(faults, part):
    return any(part in fault["message"] or part == fault.get("deprecated_field") for fault in faults)


def details(rules, key, expected):
    return all(name in rules and rules[name].get(key) == value for name, value in expected.items())


def lacks(rules, expected):
    return all(value not in rules[name]["output_compiled"] for name, value in expected.items())


def is_at(described, path, test):
    value = described
    for step in re.findall(r"\w+", path):
        value = value[int(step)] if step.isdigit() else value[step]
    return all((len(value) if kind == "len" else value) == expected for kind, expected in test.items())


def has_snippet(warnings, value):
    of_code = [w["context"]["snippet"] for w in warnings if w["code"] == value.get("code", w["code"])]
    if "first_such_snippet_contains" in value:
        return value["first_such_snippet_contains"] in of_code[0] and value["and_not_contains"] not in of_code[0]
    found = [snippet for snippet in of_code if value["some_warning_snippet_contains"] in snippet]
    return bool(found) and value["and_that_snippet_not_contains"] not in found[0]


def test_plugin_requirements(cases, sources):
    judge(cases, "plugin_requirements", lambda case: plugin_requirements(case, sources))


def plugin_requirements(case, sources):
    loader = RuleLoader(sources)
    result = loader.load("rules.yaml", case["rules"].encode())
    try:
        requirements.check(loader.required_plugins, dict(case["plugins"]))
    except RuleError as error:
        return "" if not case["ok"] else str(error)
    return "" if case["ok"] == result.is_successful else result.text()


def test_ruleset_ops(cases, sources):
    judge(cases, "ruleset_ops", lambda case: ruleset_ops(case, sources))


def ruleset_ops(case, sources):
    if "rules" in case:
        loader = RuleLoader(sources)
        loader.load("rules.yaml", case["rules"].encode())
        rules = loader.rules
    else:
        rules = tuple(bare_rule(n, entry) for n, entry in enumerate(case["rules_objects"]))
    steps = {DEFAULT_RULESET: []} if "rules" in case else {}
    for operation in case["ops"]:
        if "expect_num_enabled" in operation:
            for ruleset, expected in operation["expect_num_enabled"].items():
                # all but the default ruleset start with nothing enabled
                first = [] if ruleset == DEFAULT_RULESET else [selection.Selection(False, rule="*")]
                selected = selection.select(rules, [*first, *steps.get(ruleset, [])])
                if sum(rule.enabled for rule in selected) != expected:
                    return f"{ruleset}: not {expected}"
        else:
            steps.setdefault(operation["ruleset"], []).extend(selections(operation))
    return ""


def selections(operation):
    name, argument = operation["op"], operation["arg"]
    is_enable = operation.get("enable", name.startswith("enable"))
    if "tag" in name:
        tags = [argument] if isinstance(argument, str) else argument
        return [selection.Selection(is_enable, tag=tag) for tag in tags]
    match = operation.get("match", {"enable_rule": "substring", "enable_rule_exact": "exact"}.get(name, "wildcard"))
    pattern = f"*{argument}*" if match == "substring" or not argument else argument
    return [selection.Selection(is_enable, rule=pattern)]


def bare_rule(index, entry):
    return Rule(index, entry["name"], "syscall", Priority.DEBUG, None, None, tags=tuple(entry["tags"]), enabled=False)


def test_wildcards(cases):
    verdict = Verdict("unit/matches_wildcard")
    for case in of_kind(cases, "util"):
        if case["fn"] == "matches_wildcard":
            if selection.matches(*case["args"]) == case["result"]:
                verdict.agree(case["id"])
            else:
                verdict.differ(case["id"], str(case["args"]))
    verdict.judge(cases)


def test_macro_resolve(cases, sources):
    judge(cases, "macro_resolve", lambda case: macro_resolve(case, sources))


def macro_resolve(case, sources):
    if case["resolved_filter"] is None:
        return Reason.SETUP_NOT_RECORDED
    macros = list(case["macros"].items())
    first = [(name, "evt.num = 0") for name, _ in macros]  # so that each sees all others
    text = json.dumps(
        [{"macro": name, "condition": c} for name, c in [*first, *macros, ("the_filter", case["filter"])]]
    )
    loader = RuleLoader(sources)
    document = loader.load("rules.yaml", text.encode()).to_json()
    unknown = [m[1] for fault in document["errors"] if (m := re.match("Undefined macro '(.*)' used", fault["message"]))]
    if case["unknown_macros"]:
        return "" if case["unknown_macros"][:1] == unknown[:1] else f"unknown: {unknown}"
    if document["errors"]:
        return document["errors"][0]["message"]
    resolved = to_text(loader.compiled.macros["the_filter"].expanded.expr)
    used = {name for name, macro in loader.compiled.macros.items() if macro.is_used}
    if resolved != to_text(parse(Text.of(case["resolved_filter"]))):
        return resolved
    return "" if used == set(case["resolved_macros"]) else f"used: {used}"


def test_filter_details(cases):
    judge(cases, "filter_details", filter_details)


def filter_details(case):
    expr = parse(Text.of(case["filter"]))
    uses = describe.Uses(expr)
    operands = [operand for leaf in walk.leaves(expr) for operand in walk.operands(leaf)]
    found = {
        "fields": uses.fields,
        "operators": uses.operators,
        "macros": uses.macros & set(case["known_macros"]),
        "lists": uses.values & set(case["known_lists"]),
        "transformers": {operand.name for operand in operands if isinstance(operand, TransformerCall)},
    }
    return "".join(f"{key}: {found[key]}" for key, value in case["expect"].items() if found[key] != set(value))
