import pytest

from falco.config.environment import expand
from falco.documents import reader
from falco.errors import ConfigError

ENV = {"A": "x", "EMPTY": "", "OUTER": "<${A}>", "DOLLAR": "$", "LOOP": "${LOOP}", "GROW": "a${GROW}"}


def expanded(text):
    return expand(reader.read(f"k: '{text}'".encode(), "f.yaml")[0], ENV).get("k").text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "x"),
        ("a${A}b${A}", "axbx"),
        ("${MISSING}", ""),
        ("a${MISSING}b", "ab"),
        ("${OUTER}", "<x>"),
        ("$${A}", "${A}"),
        ("$${A}${A}", "${A}x"),
        ("$A", "$A"),
        ("$A ${A}", "$A ${A}"),
        ("${A} $A", "x $A"),
        ("${A", "${A"),
        ("100$", "100$"),
        ("${}", ""),
    ],
)
def test_variables_become_their_values(text, value):
    assert expanded(text) == value


@pytest.mark.parametrize("name", ["LOOP", "GROW"])
def test_a_variable_that_names_itself_is_an_error_with_its_place(name):
    with pytest.raises(ConfigError, match=rf"f\.yaml:1:4: the environment variable '{name}' names itself"):
        expanded(f"${{{name}}}")


def test_keys_and_nulls_stay():
    root = expand(reader.read(b"{$A: ~, '${A}': [1, '${A}']}", "f.yaml")[0], ENV)

    assert [key.text for key, _ in root.pairs] == ["$A", "${A}"]
    assert root.get("$A").is_null
    assert root.get("${A}").items[1].text == "x"
