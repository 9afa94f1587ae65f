"""``init_config``: every key of every source with every wrong value, as YAML and as the text of a JSON object.

A wrong value is refused with its place in falco.yaml, also where it stands in a text.
"""

import json
from pathlib import Path

import pytest
from msgspec.inspect import IntType, Metadata, type_info

from falco.config import configuration
from falco.config.merge import ConfigFile
from falco.errors import PluginError
from falco.plugins import init_config
from falco.plugins.manager import PluginManager

SOURCES = [
    cls
    for _, cls in PluginManager.of_environment().collect("falco_register_sources")
    if cls.config_type is not None and cls.event_source != "syscall"  # that one is configured by engine
]
VALUES = {
    "text": "a b",
    "number": 12,
    "fraction": 0.5,
    "truth": True,
    "negative": -1,
    "huge": 3 * 10**19,
    "quoted number": "12",
    "empty": "",
    "NUL": "a\0b",
    "list": [1],
    "mapping": {"a": 1},
}
FITTING = {"bool": {"truth"}, "int": {"number"}, "str": {"text", "quoted number", "empty"}}
FITTING_YAML = FITTING | {"str": FITTING["str"] | {"number", "fraction", "truth", "negative", "huge"}}
"""In YAML any scalar is a text."""


def keys():
    for source in SOURCES:
        for row in type_info(source.config_type).fields:
            kind = row.type
            while isinstance(kind, Metadata):
                kind = kind.type
            yield pytest.param(source, row.encode_name, kind, id=f"{source.event_source}-{row.encode_name}")


def read(source, text, *options, env=None):
    main = ConfigFile("falco.yaml", text.encode())
    loaded = configuration.load(main, options, output_types={}, cwd=Path(), env=env or {})
    node = loaded.settings.plugins[0].init_config
    return init_config.read(node, source.config_type, "p", loaded.merged.sources)


def refused(source, text, *options, env=None):
    with pytest.raises(PluginError) as error:
        read(source, text, *options, env=env)
    return str(error.value)


WAYS = {
    "YAML": "plugins:\n  - name: p\n    init_config:\n      {key}: {value}\n",
    "block": 'plugins:\n  - name: p\n    init_config: |\n      {{"{key}": {value}}}\n',
    "folded": 'plugins:\n  - name: p\n    init_config: >-\n      {{"{key}":\n       {value}}}\n',
    "single": "plugins:\n  - name: p\n    init_config: '{{\"{key}\": {value}}}'\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("source", "key", "kind"), list(keys()))
def test_a_wrong_value_is_refused_at_its_place(source, key, kind, way):
    fitting = (FITTING_YAML if way == "YAML" else FITTING)[type(kind).__name__.removesuffix("Type").lower()]
    for sort, value in VALUES.items():
        text = WAYS[way].format(key=key, value=json.dumps(value))
        if sort in fitting:
            config, problems = read(source, text)
            assert (type(config), problems) == (source.config_type, ())
            continue
        line = len(text.splitlines())
        column = text.splitlines()[-1].index(json.dumps(value)) + 1
        said = refused(source, text)

        assert said.startswith(f"error in plugin p init config: falco.yaml:{line}:{column}: {key}: expected "), sort
        assert said.splitlines()[1] == f"{line:>5} | {text.splitlines()[-1]}"
        assert said.splitlines()[2].index("^") == said.splitlines()[1].index(json.dumps(value))


def test_the_numbers_have_bounds():
    numbers = [row for source in SOURCES for row in type_info(source.config_type).fields if "IntType" in str(row.type)]
    bounds = [row.type.type if isinstance(row.type.type, IntType) else row.type.type.type for row in numbers]

    assert bounds
    assert all((one.ge, one.le) != (None, None) for one in bounds)


AUDIT = next(source for source in SOURCES if source.event_source == "k8s_audit")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "falco.yaml:3:18: Expecting value)"),
        ("'{\"a\": }'", "falco.yaml:3:25: Expecting value)"),
        ("'{\"maxEventSize\": 1,}'", "falco.yaml:3:"),
        ("|\n      {\n        x\n      }", "falco.yaml:5:9: Expecting property name enclosed in double quotes)"),
    ],
)
def test_a_text_that_is_not_json_is_refused_at_its_place(text, sentence):
    said = refused(AUDIT, f"plugins:\n  - name: p\n    init_config: {text}\n")

    assert said.startswith("error in plugin p: init config is not a valid json (")
    assert sentence in said
    assert said.splitlines()[-1].strip(" |^") == ""


def test_an_unknown_key_and_one_that_stands_twice_are_said_where_they_stand():
    text = 'plugins:\n  - name: p\n    init_config: \'{"maxEvntSize": 1, "useAsync": true, "useAsync": false}\'\n'
    config, problems = read(AUDIT, text)

    assert config.useAsync is True
    assert [str(problem) for problem in problems] == [
        "falco.yaml:3:56: init_config of p: key 'useAsync' stands twice, the first one counts",
        "falco.yaml:3:20: init_config of p: unknown key 'maxEvntSize' is ignored, did you mean 'maxEventSize'?",
    ]


def test_an_option_is_named():
    text = "plugins: [{name: p}]"
    said = refused(AUDIT, text, 'plugins[0].init_config={"maxEventSize": -1}')

    assert "-o plugins[0].init_config, character 18: maxEventSize: expected a number from 0" in said


def test_an_environment_variable_is_named():
    text = "plugins: [{name: p, init_config: {maxEventSize: '${SIZE}'}}]"
    said = refused(AUDIT, text, env={"SIZE": "big"})

    assert "falco.yaml:1:49: maxEventSize: expected a number from 0 to 2147483647, found 'big' (environment" in said
    assert "environment variable SIZE)" in said
