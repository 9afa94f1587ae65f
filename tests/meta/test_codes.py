"""Every code that a rule file can be answered with is provoked by a file here, and by nothing that is right."""

import pytest

from falco import RuleError
from falco.rules.codes import ErrorCode, WarningCode

RULE = """
- rule: A
  desc: d
  condition: %s
  output: %s
  priority: INFO
  source: k8s_audit
"""
GOOD = RULE % ("ka.verb = get", "o")
ERRORS = {
    ErrorCode.LOAD_ERR_YAML_PARSE: "- rule: [",
    ErrorCode.LOAD_ERR_YAML_VALIDATE: "- rule: A\n",
    ErrorCode.LOAD_ERR_COMPILE_CONDITION: RULE % ("ka.verb = = get", "o"),
    ErrorCode.LOAD_ERR_COMPILE_OUTPUT: RULE % ("ka.verb = get", "'%no.field'"),
    ErrorCode.LOAD_ERR_VALIDATE: "- macro: m\n  append: true\n  condition: and ka.verb = get\n",
}
WARNINGS = {
    WarningCode.LOAD_UNKNOWN_SOURCE: GOOD + GOOD.replace("rule: A", "rule: B").replace("k8s_audit", "nobody"),
    WarningCode.LOAD_UNSAFE_NA_CHECK: RULE % ("ka.verb != <NA>", "o"),
    WarningCode.LOAD_NO_EVTTYPE: GOOD
    + RULE.replace("rule: A", "rule: B").replace("k8s_audit", "syscall") % ("proc.name = a", "o"),
    WarningCode.LOAD_UNKNOWN_FILTER: GOOD
    + RULE.replace("rule: A", "rule: B\n  skip-if-unknown-filter: true") % ("no.field = a", "o"),
    WarningCode.LOAD_UNUSED_MACRO: GOOD + "- macro: m\n  condition: ka.verb = get\n",
    WarningCode.LOAD_UNUSED_LIST: GOOD + "- list: l\n  items: [a]\n",
    WarningCode.LOAD_UNKNOWN_ITEM: GOOD + "- rules: A\n",
    WarningCode.LOAD_DEPRECATED_ITEM: GOOD + "- rule: A\n  append: true\n  condition: and ka.verb = get\n",
    WarningCode.LOAD_APPEND_NO_VALUES: GOOD
    + "- rule: A\n  append: true\n  exceptions: [{name: e, fields: [ka.verb]}]\n",
    WarningCode.LOAD_EXCEPTION_NAME_NOT_UNIQUE: GOOD
    + "  exceptions: [{name: e, fields: [ka.verb], values: [[a]]}, {name: e, fields: [ka.verb], values: [[b]]}]\n",
    WarningCode.LOAD_INVALID_MACRO_NAME: GOOD + "- macro: a b\n  condition: ka.verb = get\n",
    WarningCode.LOAD_INVALID_LIST_NAME: GOOD + "- list: a b\n  items: [a]\n",
    WarningCode.LOAD_COMPILE_CONDITION: RULE % ("ka.verb = ka.uri", "o"),
    WarningCode.LOAD_UNKNOWN_KEY: GOOD + "  colour: red\n",
}


@pytest.fixture
def said(run_rules):
    """A function: what loading rules says, errors and warnings."""

    def load(rules):
        try:
            return "\n".join(run_rules(rules, batches=[], source="k8s_audit").warnings)
        except RuleError as error:
            return str(error)

    return load


def test_the_codes_are_complete():
    assert set(ERRORS) == set(ErrorCode)
    assert set(WARNINGS) == set(WarningCode)


def test_nothing_is_said_of_a_rule_that_is_right(said):
    assert said(GOOD) == ""


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_error_is_given(said, code):
    assert f"error[{code.name}]" in said(ERRORS[code])


@pytest.mark.parametrize("code", WarningCode, ids=lambda code: code.name)
def test_warning_is_given(said, code):
    assert f"warning[{code.name}]" in said(WARNINGS[code])
