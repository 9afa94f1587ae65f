"""Every key of falco.yaml with every wrong value, on every way into a configuration.

The keys are those of ``--config-schema``, so that a new one is among the cases, and so are entries of lists and
values of mappings. A value is refused or passed over in a sentence that names place and key and shows the line with a
caret, or it is taken for a reason that stands in ``TAKEN``.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.inspect import Metadata, StructType, UnionType, VarTupleType, type_info

from falco.config import configuration
from falco.config.merge import ConfigFile
from falco.config.schema import config_schema
from falco.config.settings import Extensions, Settings
from falco.errors import ConfigError
from falco.plugins.manager import PluginManager

TYPES = {name: cls.config_type for name, cls in PluginManager.of_environment().output_types().items()}
SCHEMA = config_schema(TYPES)
SCALARS = {
    "text": "a b",
    "number": "12",
    "fraction": "0.5",
    "truth": "true",
    "negative": "-1",
    "huge": str(10**19 * 3),
    "infinite": "1e999",
    "not a number": ".nan",
    "empty": '""',
    "two lines": '"true\\ntrue"',
    "NUL": '"a\\0b"',
    "nothing": "~",
}
VALUES = {**SCALARS, "list": "[a b]", "list of lists": "[[a]]", "mapping": "{a b: c}"}
"""A value of each sort, as YAML."""
TAKEN = {
    ("truth", "truth"): "it is one",
    ("text", "text"): "it is one",
    ("text", "number"): "any scalar is a text, as in Falco",
    ("text", "fraction"): "any scalar is a text, as in Falco",
    ("text", "truth"): "any scalar is a text, as in Falco",
    ("text", "negative"): "any scalar is a text, as in Falco",
    ("text", "huge"): "any scalar is a text, as in Falco",
    ("text", "infinite"): "any scalar is a text, as in Falco",
    ("text", "not a number"): "any scalar is a text, as in Falco",
    ("text", "empty"): "most texts may be empty; whoever needs one says so",
    ("text", "two lines"): "texts for the end of an output may have lines",
    ("texts", "list"): "it is one",
    ("texts", "nothing"): "a list without a value is empty, as in Falco",
    ("texts or mappings", "list"): "it is one",
    ("texts or mappings", "nothing"): "a list without a value is empty, as in Falco",
    ("list", "nothing"): "a list without a value is empty, as in Falco",
    ("mapping of texts", "mapping"): "it is one",
    ("text or mapping", "mapping"): "it is one",
}
"""Sorts of keys and sorts of values that go together, and why."""
TAKEN |= {("texts", sort): "a lone scalar is a list of one, as in Falco" for kind, sort in TAKEN if kind == "text"}
TAKEN |= {("text or mapping", sort): why for (kind, sort), why in TAKEN.items() if kind == "text"}
TAKEN |= {("anything", sort): "the plugin reads it" for sort in VALUES}
TAKEN |= {
    (kind, "nothing"): "a key without a value has its default, as in Falco"
    for kind in ("truth", "number", "text", "section", "mapping of texts")
}
SOME_TEXT = {sort: why for (kind, sort), why in TAKEN.items() if kind == "text" and sort not in {"empty", "nothing"}}
MISSING = "such a file does not exist, which is said"
UNLIKE_THEIR_SORT = {
    "plugins[0]": {},
    "plugins[0].name": SOME_TEXT | {"empty": "there is no such plugin, says who loads it"},
    "append_output[0].extra_fields[0]": SOME_TEXT
    | {"mapping": "it is one", "empty": "a rule says that it is no field"},
    "rules[0]": {},
    **{f"rules[0].{verb}": {"nothing": "as if it were not there"} for verb in ("enable", "disable")},
    **{
        f"rules[0].{verb}.{key}": SOME_TEXT | {"nothing": "as if it were not there, says the entry"}
        for verb in ("enable", "disable")
        for key in ("rule", "tag")
    },
    "syscall_event_drops.actions": {"nothing": "a list without a value is empty, as in Falco"},
    "syscall_event_drops.actions[0]": {},
    "webserver.listen_address": {"nothing": "a key without a value has its default, as in Falco"},
    "config_files": dict.fromkeys({*SCALARS, "list"} - {"empty"}, MISSING),
    "config_files[0]": dict.fromkeys(SCALARS.keys() - {"empty", "nothing"}, MISSING),
    "config_files[0].path": dict.fromkeys(SCALARS.keys() - {"empty", "nothing"}, MISSING),
}
"""Keys that take other values than their sort: which, and why."""


def needed(channel):
    """The keys of *channel* that have no default."""
    return [row.encode_name for row in type_info(TYPES[channel]).fields if row.required]


UNLIKE_THEIR_SORT |= {
    f"{home}{channel}_output.{key}": SOME_TEXT
    for channel in TYPES
    for key in needed(channel)
    for home in ("", "x-falco-py.")
}


@dataclass(frozen=True)
class Key:
    """A key, or an entry of a list or a mapping, and what the schema says of it."""

    path: str
    schema: dict

    @property
    def sort(self):
        schema = self.schema
        members = [one for one in schema.get("anyOf", schema.get("oneOf", ())) if one.get("type") != "null"]
        if len(members) == 1:
            return Key(self.path, resolved(members[0])).sort
        if len(members) > 1:
            return "anything" if self.path.endswith("init_config") else "text or mapping"
        if "enum" in schema:
            return "choice"
        match schema.get("type"):
            case "array":
                inner = Key(self.path, resolved(schema["items"])).sort
                return {"text": "texts", "text or mapping": "texts or mappings"}.get(inner, "list")
            case "object":
                return "section" if "properties" in schema else "mapping of texts"
            case "integer" | "number":
                return "number"
            case kind:
                return {"boolean": "truth", "string": "text"}[kind]

    def takes(self, sort):
        """Whether a value of *sort* is taken."""
        if self.path in UNLIKE_THEIR_SORT:
            return sort in UNLIKE_THEIR_SORT[self.path]
        if sort == "nothing" and self.path.endswith(("]", ".k")):
            return self.sort not in {"choice", "number", "truth"}  # "null" or empty, as Falco reads it
        if self.sort == "number" and sort in {"number", "negative", "huge", "fraction"}:
            value = float(SCALARS[sort])
            is_whole = self.schema["type"] == "number" or sort in {"number", "negative"}
            low, above, high = (self.schema.get(one) for one in ("minimum", "exclusiveMinimum", "maximum"))
            return (
                is_whole
                and (low is None or value >= low)
                and (above is None or value > above)
                and (high is None or value <= high)
            )
        return (self.sort, sort) in TAKEN


def resolved(schema):
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] | {k: v for k, v in schema.items() if k != "$ref"}
    return schema


def keys(schema, path=""):
    """Every key below *schema*, entries of lists as ``[0]`` and of mappings as ``k``."""
    schema = resolved(schema)
    for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if resolved(member).get("type") in {"object", "array"}:
            yield from keys(member, path)
    for name, inner in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield Key(below, resolved(inner))
        yield from keys(inner, below)
    if isinstance(schema.get("additionalProperties"), dict):
        yield Key(f"{path}.k", resolved(schema["additionalProperties"]))
    if isinstance(schema.get("items"), dict):
        yield Key(f"{path}[0]", resolved(schema["items"]))
        yield from keys(schema["items"], f"{path}[0]")


KEYS = list(keys(SCHEMA))


def companions(path):
    """What must stand beside *path* so that it is read at all, as (path, value)."""
    found = []
    if path.startswith("plugins[0].") and path != "plugins[0].name":
        found.append(("plugins[0].name", "k8saudit"))
    if path.startswith("config_files[0].") and path != "config_files[0].path":
        found.append(("config_files[0].path", "nowhere"))
    section = path.removeprefix("x-falco-py.").split(".")[0]
    channel = section.removesuffix("_output")
    if channel in TYPES and path != section:
        found += [(f"{section}.enabled", "true")] if path != f"{section}.enabled" else []
        found += [(f"{section}.{row}", "somewhere") for row in needed(channel) if not path.endswith(f"{section}.{row}")]
    return found


def document(key, value):
    """A configuration with *value* at *key*, on the third line, and its column."""
    text = flow((key.path, "@"), *companions(key.path))
    return f"# one\n# two\n{text.replace('@', value)}\n", text.index("@") + 1


def flow(*pairs):
    """A mapping, in flow style, with each value at its path."""
    tree = {}
    for path, value in pairs:
        node = tree
        *steps, last = path.replace("[0]", ".[0]").split(".")
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = value

    def text(node):
        if not isinstance(node, dict):
            return node
        if list(node) == ["[0]"]:
            return f"[{text(node['[0]'])}]"
        return "{" + ", ".join(f"{name}: {text(value)}" for name, value in node.items()) + "}"

    return text(tree)


def read(text, *options, cwd=Path("nowhere"), env=None):
    main = ConfigFile("falco.yaml", text.encode())
    return configuration.load(main, options, output_types=TYPES, cwd=cwd, env=env or {})


def said(load):
    """What is said of the configuration that *load* reads: every sentence, with its excerpt."""
    try:
        loaded = load()
    except ConfigError as refused:
        return [str(refused)]
    return [loaded.shown(problem) for problem in loaded.problems]


def places(file, column, value):
    """The places of *value*, at *column* of the third line of *file*, and of what is in it."""
    return [f"{file}:3:{column + offset}: " for offset in range(len(value) + 1)]


def check(key, sort, sentences, places, value):
    """*value*, at one of *places*, is taken without a word, or what is said has all it must."""
    own = [one for one in sentences if any(place in one for place in places)]
    if key.takes(sort):
        assert own == [], (key.path, sort)
        return
    assert own, (key.path, sort, sentences)
    assert any(key.path.removesuffix("[0]") in one for one in own), (key.path, sort, own)
    assert any("expected" in one or "Error" in one or "key" in one or "needs" in one or "must" in one for one in own)
    line, caret = own[0].splitlines()[-2:]
    assert set(caret.partition("| ")[2].strip()) == {"^"}, own
    assert line[caret.index("^") :][:1] in value, own


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_in_the_main_file(key):
    for sort, value in VALUES.items():
        text, column = document(key, value)
        check(key, sort, said(lambda text=text: read(text)), places("falco.yaml", column, value), value)


WITH_DEFAULT = [
    key
    for key in KEYS
    if "[0]" not in key.path and key.path != "config_files" and UNLIKE_THEIR_SORT.get(key.path) is not SOME_TEXT
]


@pytest.mark.parametrize("key", WITH_DEFAULT, ids=lambda key: key.path)
def test_what_is_passed_over_leaves_everything_as_without_it(key):
    without = read(flow(*companions(key.path)) if companions(key.path) else "")
    for sort, value in VALUES.items():
        if key.takes(sort) or (sort == "mapping" and key.sort == "section"):
            continue
        try:
            loaded = read(document(key, value)[0])
        except ConfigError:
            continue
        assert (loaded.settings, loaded.extensions) == (without.settings, without.extensions), sort
        assert loaded.outputs == without.outputs or key.path.endswith(".enabled"), sort


@pytest.mark.parametrize("key", [key for key in KEYS if not key.path.startswith("config_files")], ids=lambda k: k.path)
def test_in_an_included_file(key, tmp_path):
    for sort, value in VALUES.items():
        text, column = document(key, value)
        (tmp_path / "inc.yaml").write_text(text)
        sentences = said(lambda: read("config_files: [inc.yaml]\n", cwd=tmp_path))
        check(key, sort, sentences, places("inc.yaml", column, value), value)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_as_an_option(key):
    text = flow(*companions(key.path))
    for sort, value in VALUES.items():
        if sort in {"list", "list of lists", "nothing", "NUL"}:
            continue  # a value of -o is an object or a text, and a text of a command line has no NUL
        given = {"empty": "", "two lines": "true\ntrue"}.get(sort, value)
        sentences = said(lambda given=given: read(text, f"{key.path}={given}"))
        check(key, sort, sentences, [f"-o {key.path}: ", f"-o {key.path}, character 2: "], given)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_from_the_environment(key):
    text, column = document(key, '"${VALUE}"')
    for sort, value in SCALARS.items():
        if sort in {"nothing", "empty", "two lines", "NUL"} or key.takes(sort):
            continue
        sentences = said(lambda value=value: read(text, env={"VALUE": value}))
        own = [one for one in sentences if f"falco.yaml:3:{column}: " in one]
        assert any(f"'{value}' (environment variable VALUE)" in one for one in own), (sort, sentences)


def rows(info, path=""):
    """Every key below the struct *info*."""
    for row in info.fields:
        yield (below := f"{path}{row.encode_name}")
        kind = row.type
        while isinstance(kind, Metadata | UnionType | VarTupleType):
            if isinstance(kind, UnionType):
                kind = next((one for one in kind.types if isinstance(one, StructType | VarTupleType)), None)
            elif isinstance(kind, VarTupleType):
                kind, below = kind.item_type, f"{below}[0]"
            else:
                kind = kind.type
        if isinstance(kind, StructType):
            yield from rows(kind, f"{below}.")


def test_the_schema_has_the_keys_that_are_read():
    read_ones = {*rows(type_info(Settings)), *rows(type_info(Extensions), "x-falco-py.")}
    for name, cls in TYPES.items():
        read_ones |= {*rows(type_info(cls), f"{name}_output."), *rows(type_info(cls), f"x-falco-py.{name}_output.")}
    shown = {key.path for key in KEYS}

    assert read_ones <= shown
    assert len(shown) > 180


def test_no_case_is_left_out():
    assert {key.sort for key in KEYS} == {sort for sort, _ in TAKEN} | {"choice"}
    assert len(list(itertools.product(KEYS, VALUES))) > 2_500
