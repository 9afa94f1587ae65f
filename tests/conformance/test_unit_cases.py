"""Falco's unit tests of its configuration and of small functions, as data."""

import json

from recorded.verdict import Verdict

from falco.config import configuration, merge, paths
from falco.config.durations import milliseconds
from falco.config.environment import expand
from falco.config.merge import ConfigFile
from falco.config.places import Findings
from falco.documents import reader
from falco.documents.nodes import Mark, ScalarNode, ScalarStyle, Span
from falco.errors import ConfigError
from falco.plugins import init_config
from falco.rules.selection import matches
from falco_syscall import recording

NOWHERE = Span("test", Mark(0, 0, 0), Mark(0, 0, 0))


def cases(conformance, *kinds):
    lines = (conformance / "unit" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["kind"] in kinds]


def judge_all(conformance, suite, kinds, judge):
    verdict = Verdict(suite)
    for case in cases(conformance, *kinds):
        how = judge(case)
        if how:
            verdict.differ(case["id"], how)
        else:
            verdict.agree(case["id"])
    verdict.judge(conformance / "unit" / "cases.jsonl")


def is_same(node, wanted):
    """Whether *node* reads as the value *wanted* of a C++ test."""
    if not isinstance(node, ScalarNode):
        return False
    return node.text == (str(wanted).lower() if isinstance(wanted, bool) else str(wanted))


# -- reading and merging files -----------------------------------------------------------------------------------------


def test_config_files(conformance, tmp_path):
    numbers = iter(range(10_000))

    def judge(case):
        folder = tmp_path / str(next(numbers))
        cwd, tmp = folder / "cwd", folder / "tmp"
        cwd.mkdir(parents=True)

        def place(text):
            return text.replace("$TMP", str(tmp)).replace("$CWD", str(cwd))

        for name, text in case["files"].items():
            path = cwd / place(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(place(text), encoding="utf-8")
        expect = case["expect"]
        try:
            main = merge.read_file(place(case["main"]), cwd)
            options = [place(option) for option in case["cli_options"]]
            merged = merge.merge(main, options, cwd=cwd, env={}, findings=Findings())
        except ConfigError as error:
            return "" if expect["throws"] else f"raised {error}"
        if expect["throws"]:
            return "did not raise"
        return judge_tree(merged, expect)

    judge_all(conformance, "unit/config_files", ["config_files"], judge)


def judge_tree(merged, expect):
    for path, wanted in expect.get("get", {}).items():
        if not is_same(paths.get(merged.root, path), wanted):
            return f"{path} is {paths.get(merged.root, path)}, not {wanted!r}"
    for path, wanted in expect.get("defined", {}).items():
        if (paths.get(merged.root, path) is not None) != wanted:
            return f"{path} is {'un' if wanted else ''}defined"
    if "num_loaded_files" in expect and len(merged.files) != expect["num_loaded_files"]:
        return f"{len(merged.files)} files"
    if "foo" in expect:
        found = merged.root.get("foo")
        if [item.text for item in found.items] != expect["foo"]:
            return f"foo is {found}"
    return ""


# -- one document --------------------------------------------------------------------------------------------------------


def test_config_yaml_and_environment(conformance):
    def judge(case):
        root = expand(reader.read(case["yaml"].encode(), "test.yaml")[0], case.get("env") or {})
        for path, value in (case.get("set") or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            root = paths.put(root, path, ScalarNode(text, ScalarStyle.DOUBLE, NOWHERE))
        expect = case["expect"]
        for path in expect.get("get_throws", ()):
            try:
                paths.get(root, path)
            except ConfigError:
                continue
            return f"{path} is a path"
        merged = merge.Merged(root, ())
        return judge_tree(merged, expect)

    judge_all(conformance, "unit/config_yaml", ["config_yaml", "config_env"], judge)


# -- settings ------------------------------------------------------------------------------------------------------------


def test_config_load(conformance, tmp_path):
    def judge(case):
        expect = dict(case["expect"])
        throws = expect.pop("throws")
        try:
            read = configuration.load(
                ConfigFile("falco.yaml", case["yaml"].rstrip("\t").encode()),  # the tab is the C++ literal's end
                case["cli_options"],
                output_types={},
                cwd=tmp_path,
                env={},
            )
        except ConfigError as error:
            return "" if throws else f"raised {error}"
        if throws:
            return "did not raise"
        for key, wanted in expect.items():
            found = setting(read, key)
            if found != wanted:
                return f"{key} is {found!r}, not {wanted!r}"
        return ""

    judge_all(conformance, "unit/config_load", ["config_load"], judge)


def setting(read, key):
    """What the C++ test calls *key*."""
    settings = read.settings
    if key == "schema":
        return read.schema_status("falco.yaml")
    if key == "append_output":
        return [addition(entry) for entry in settings.append_output]
    if key == "rules_selection":
        return [selection(entry) for entry in settings.rules]
    if key.startswith("plugins[0].init_config"):
        node = settings.plugins[0].init_config
        plain, _ = init_config.read(node, None, "test")
        return plain if key.endswith("_json") or plain else ""
    value = settings
    for step in key.replace("[0]", ".0").removesuffix("_ns").split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    if key.endswith("_ns"):
        value *= 1_000_000  # milliseconds
    return getattr(value, "value", value)


def addition(entry):
    found = {}
    if entry.match.source:
        found["source"] = entry.match.source
    if entry.match.tags:
        found["tags"] = list(entry.match.tags)
    if entry.match.rule:
        found["rule"] = entry.match.rule
    found["formatted_fields"] = {k: v for item in entry.extra_fields if isinstance(item, dict) for k, v in item.items()}
    raw = [item for item in entry.extra_fields if isinstance(item, str)]
    if raw:
        found["raw_fields"] = raw
    if entry.extra_output:
        found["format"] = entry.extra_output
    return found


def selection(entry):
    op, selector = ("enable", entry.enable) if entry.enable else ("disable", entry.disable)
    named = {"rule": selector.rule, "tag": selector.tag}
    return {"op": op, **{name: value for name, value in named.items() if value}}


# -- small functions -----------------------------------------------------------------------------------------------------

FUNCTIONS = {
    "parse_prometheus_interval": lambda text: milliseconds(text) or 0,
    "matches_wildcard": matches,
    "generate_scap_file_path": recording.path_of,
    "check_capture_stop": lambda *given: recording.stop(*given).value,
}


def test_small_functions(conformance):
    verdict = Verdict("unit/util")
    for case in cases(conformance, "util"):
        function = FUNCTIONS.get(case["fn"])
        if function is None:
            continue  # of metrics: not of the configuration
        found = function(*case["args"])
        if found == case["result"]:
            verdict.agree(case["id"])
        else:
            verdict.differ(case["id"], f"{found!r}, not {case['result']!r}")
    verdict.judge(conformance / "unit" / "cases.jsonl")
