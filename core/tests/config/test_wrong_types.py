"""Every key of falco.yaml with a value of every wrong kind: a sentence that names place, key and what is expected.

The keys are those of the settings table, so that a new one is among the cases.
"""

from pathlib import Path

import pytest
from msgspec.inspect import (
    AnyType,
    BoolType,
    DictType,
    FloatType,
    IntType,
    Metadata,
    StrType,
    StructType,
    VarTupleType,
    type_info,
)

from falco.config import configuration
from falco.config.merge import ConfigFile
from falco.config.settings import Extensions, Settings
from falco.errors import ConfigError

KINDS = {"text": "a b", "number": "12", "fraction": "0.5", "truth": "true", "list": "[a b]", "mapping": "{a b: c}"}
"""A value of each kind, as YAML."""
FITTING = {
    BoolType: ({"truth"}, "true or false"),
    IntType: ({"number"}, "a number"),
    FloatType: ({"number", "fraction"}, "a number"),
    StrType: ({"text", "number", "fraction", "truth"}, "a text"),
    DictType: ({"mapping"}, "a mapping of keys"),
    StructType: ({"mapping"}, "a mapping of keys"),
}
"""What a type takes, and what is said to be expected of anything else."""
CHOICES = {
    "engine.kind": "is not a valid kind",
    "capture.mode": "is not a valid mode",
    "priority": "must be one of emergency",
    "rule_matching": "must be one of first, all",
    "log_level": "Unknown log level",
    "libs_logger.severity": "Unknown sinsp log severity",
    "x-falco-py.log_format": "Unknown log_format",
}
"""Keys with a closed set of values, and what Falco says of a text that is none of them."""


def bare(info):
    """*info* without what is said about it, and without the other members of a union."""
    while isinstance(info, Metadata):
        info = info.type
    for member in getattr(info, "types", ()):
        if isinstance(member, VarTupleType):
            return member
    return info


def rows(info, path=""):
    """Every key below *info* as (path, type), sections too."""
    for row in info.fields:
        kind = bare(row.type)
        yield f"{path}{row.encode_name}", kind
        if isinstance(kind, StructType):
            yield from rows(kind, f"{path}{row.encode_name}.")


ROWS = [*rows(type_info(Settings)), ("x-falco-py", type_info(Extensions)), *rows(type_info(Extensions), "x-falco-py.")]


def is_wrong(path, info, kind):
    if path == "config_files":  # read by the merging: a lone text is a file
        return False
    if isinstance(info, AnyType):
        return False
    if isinstance(info, VarTupleType):  # a lone scalar is a list of one
        return kind == "mapping"
    fitting = {"text", "number", "fraction", "truth"} if path in CHOICES else FITTING[type(info)][0]
    return kind not in fitting


CASES = [(path, info, kind) for path, info in ROWS for kind in KINDS if is_wrong(path, info, kind)]


def document(path, value):
    """A configuration with *value* at *path*, a key a line; the line and the column of the value."""
    names = path.split(".")
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(names)]
    lines[-1] += f" {value}"
    return "\n".join(lines) + "\n", f"falco.yaml:{len(lines)}:{len(lines[-1]) - len(value) + 1}"


def read(text):
    return configuration.load(ConfigFile("falco.yaml", text.encode()), (), output_types={}, cwd=Path(), env={})


@pytest.mark.parametrize(("path", "info", "kind"), [pytest.param(*one, id=f"{one[0]}-{one[2]}") for one in CASES])
def test_a_wrong_type_is_said_with_place_key_and_what_is_expected(path, info, kind):
    text, place = document(path, KINDS[kind])
    try:
        loaded = read(text)
    except ConfigError as refused:
        said, values = [str(refused)], None
    else:
        said, values = [str(problem) for problem in loaded.problems], loaded
    expected = "a list" if isinstance(info, VarTupleType) else "one of " if path in CHOICES else FITTING[type(info)][1]

    assert any(one.startswith(place) or f" {place}: " in one for one in said), said
    assert any(path in one and f"expected {expected}" in one for one in said), said
    if values is not None:
        assert (values.settings, values.extensions) == (Settings(), Extensions())


@pytest.mark.parametrize("path", CHOICES)
def test_an_unknown_choice_is_refused_in_falcos_words_with_its_place_and_what_there_is(path):
    text, place = document(path, "a b")
    with pytest.raises(ConfigError) as refused:
        read(text)

    sentence, _, rest = str(refused.value).partition(f" ({place}: ")
    assert CHOICES[path] in sentence
    assert rest.startswith(f"{path}: expected one of ")


def test_every_key_is_among_the_cases():
    unasked = {path for path, _ in ROWS} - {path for path, _, _ in CASES}

    assert unasked == {"config_files"}
    assert len(CASES) > 300
