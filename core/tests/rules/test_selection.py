from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.errors import RuleError
from falco.rules import requirements
from falco.rules.faults import Where
from falco.rules.items import PluginRequirement, PluginVersion
from falco.rules.selection import Selection, matches, select
from falco.rules.versions import Version

RULES = """
- rule: one
  desc: d
  condition: proc.name = a
  output: o
  priority: INFO
  tags: [x]
- rule: two
  desc: d
  condition: proc.name = a
  output: o
  priority: INFO
  tags: [y]
  enabled: false
"""


def enabled(load, *steps):
    loader, _ = load(RULES)
    return [rule.name for rule in select(loader.rules, steps) if rule.enabled]


def test_the_last_step_that_selects_a_rule_counts(load):
    assert enabled(load) == ["one"]
    assert enabled(load, Selection(False, rule="*")) == []
    assert enabled(load, Selection(False, rule="*"), Selection(True, tag="y")) == ["two"]
    assert enabled(load, Selection(True, rule="t*"), Selection(False, rule="one")) == ["two"]
    assert enabled(load, Selection(True)) == ["one"]


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_star_stands_for_any_characters(pattern, name):
    assert matches(pattern, name) == fnmatchcase(name, pattern)


def test_many_stars_take_no_longer():
    assert not matches("*a" * 2_000 + "b", "a" * 20_000)


@pytest.mark.parametrize(
    ("loaded", "message"),
    [
        ({}, "Plugin requirement not satisfied, must load one of: a (>= 1.2.0), b (>= 2.0.0)"),
        ({"a": "1.1.9"}, "Plugin 'a' version '1.1.9' is not compatible with required plugin version '1.2.0'"),
        ({"a": "2.0.0"}, "Plugin 'a' version '2.0.0' is not compatible with required plugin version '1.2.0'"),
        ({"a": "x"}, "Plugin 'a' has invalid version string 'x'"),
        (
            {"a": "1.1.0", "b": "2.0.0"},
            "Plugin 'a' version '1.1.0' is not compatible with required plugin version '1.2.0'",
        ),
    ],
)
def test_an_unmet_requirement_is_an_error(loaded, message):
    needed = PluginRequirement((PluginVersion("a", "1.2.0"), PluginVersion("b", "2.0.0")), Where((), None))

    with pytest.raises(RuleError) as caught:
        requirements.check([needed], loaded)
    assert str(caught.value) == message


def test_advice_for_a_plugin_that_could_be_loaded_follows():
    needed = PluginRequirement((PluginVersion("a", "1.2.0"), PluginVersion("b", "2.0.0")), Where((), None))

    with pytest.raises(RuleError, match=r"must load one of: a \(>= 1.2.0\), b \(>= 2.0.0\); load b$"):
        requirements.check([needed], {}, lambda name: "; load b" if name == "b" else "")


@pytest.mark.parametrize("loaded", [{"a": "1.2.0"}, {"a": "1.3.0-rc1"}, {"b": "2.1.0"}])
def test_one_compatible_plugin_is_enough(loaded):
    requirements.check(
        [PluginRequirement((PluginVersion("a", "1.2.0"), PluginVersion("b", "2.0.0")), Where((), None))], loaded
    )


def test_versions_are_read_as_falco_reads_them():
    assert Version.parse("0.57.0-rc1") == Version(0, 57, 0)
    assert Version.parse("00.57.0.1") == Version(0, 57, 0)
    assert Version.parse("0.4294967296.0") == Version(0, 0, 0)
    assert [Version.parse(text) for text in ("0.57", "v0.57.0", "-1", "0.57.x", "", "0,57,0")] == [None] * 6
