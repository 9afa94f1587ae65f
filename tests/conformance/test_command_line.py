"""Recorded runs of Falco: the same command line, the same files, the same standard output and exit code."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from recorded.command import ENVIRONMENT, Result, falco
from recorded.verdict import Reason, Verdict

EVENTS = {"events.jsonl": "events.raw.jsonl", "few.jsonl": "few.raw.jsonl"}
THEIR_WORDS = re.compile(r"yaml-cpp|std::exception|Option ‘")
"""Sentences of libraries that Falco uses: the exit code and that there is an error are compared, not the words."""


def records(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def lay_out(case, folder, recordings):
    """Put the files of *case* into *folder*."""
    for name, recorded in EVENTS.items():
        (folder / name).write_bytes((recordings / recorded).read_bytes())
    for name, text in (case.get("files") or {}).items():
        path = folder / name
        if text is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    rules = case.get("rules")
    if rules is not None:
        (folder / "rules.yaml").write_bytes(rules_of(rules, recordings))
    config = case.get("config")
    if isinstance(config, dict):
        base = (recordings / "base_config.yaml").read_text(encoding="utf-8")
        config = base.replace("events.jsonl", config["base"]) + config["extra"]
    if config is not None:
        (folder / "falco.yaml").write_text(in_place(config, folder), encoding="utf-8")


def rules_of(rules, recordings):
    if "\n" in rules:
        return rules.encode()
    if rules.startswith("k8s_audit_rules.yaml"):
        return (recordings.parent / "k8s" / "k8s_audit_rules.yaml").read_bytes()
    # A raw DEL is not YAML, though Falco's reader takes it; its escape says the same.
    return (recordings / rules).read_bytes().replace(b"\x7f", b"\\x7f")


def in_place(text, folder):
    return text.replace("$DIR", str(folder)).replace("$PLUGINS", "/usr/share/falco/plugins")


def run(case, folder):
    config = [] if case["config"] is None else ["-c", "falco.yaml"]
    arguments = [in_place(argument, folder) for argument in case["args"]]
    return falco([*config, *arguments], folder, case.get("env"))


def refused(case, recordings):
    """Times, as alerts print them, of the events of *case* that only Falco's lenient reader takes for JSON."""
    name = case["config"]["base"] if isinstance(case["config"], dict) else "few.jsonl"
    times = set()
    for line in (recordings / EVENTS[name]).read_bytes().splitlines():
        try:
            json.loads(line.decode("utf-8", "surrogateescape"), strict=False)  # control characters pass everywhere
        except ValueError:
            times |= {found.decode() for found in re.findall(rb'"stageTimestamp": ?"[^"T]*T([^"Z]*)Z', line)}
    return times


def is_refusal(case, ours, recordings):
    """Whether what Falco has beyond *ours* is alerts of refused events and what is counted from them."""
    times = refused(case, recordings)
    theirs = [line for line in case["stdout"].splitlines() if not any(time in line[:400] for time in times)]
    return bool(times) and uncounted(theirs) == uncounted(ours.splitlines())


def uncounted(lines):
    """*lines* without statistics and event numbers: those behind a refused event are lower. All else stays.

    How many U+FFFD stand for bytes that are not UTF-8 differs between the two JSON writers of Falco: one counts as many.
    """
    kept = [line for line in lines if not re.fullmatch(r"(Events detected|   .+): \d+", line)]
    return [re.sub("\ufffd+", "\ufffd", re.sub(r'num("?)[:=]\d+', r"num\1=#", line)) for line in kept]


def run_installed(case, folder):
    """The same by the installed command."""
    config = [] if case["config"] is None else ["-c", "falco.yaml"]
    arguments = [in_place(argument, folder) for argument in case["args"]]
    done = subprocess.run(
        [Path(sys.executable).with_name("falco"), *config, *arguments],
        cwd=folder,
        env=ENVIRONMENT | (case.get("env") or {}),
        capture_output=True,
        check=False,
        timeout=120,
    )
    stdout, stderr = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    return Result(done.returncode, stdout, stderr)


def judge(case, result, folder):
    """How *result* is not what was recorded; "" if it is."""
    if "please report" in result.stderr:
        return result.stderr[-400:]
    if result.code != case["rc"]:
        return f"exit code {result.code}, not {case['rc']}: {result.stderr[-300:]!r}"
    if (result.error is None) != (case["rc"] in {0, 255}):
        return f"exit code {result.code}, error {result.error!r}"
    difference = compare_output(case, result.stdout.replace(str(folder), "$DIR"))
    if difference:
        return difference
    for name, text in (case.get("out_files") or {}).items():
        path = folder / name
        written = path.read_text(encoding="utf-8") if path.is_file() else None
        if written != text:
            return f"{name}: {written!r}, not {text!r}"
    return ""


def compare_output(case, ours):
    theirs = case["stdout"]
    if isinstance(theirs, dict):
        theirs = repr(theirs)
    kind = KINDS.get(case["name"].split("=")[0].split(" ")[0]) if case["group"] == "info" else None
    if "-V" in case["args"] and theirs:
        kind = same_validation
    elif case["group"] == "describe" and theirs.startswith("{"):
        kind = same_description
    if kind is not None:
        return kind(ours, theirs)
    return same_text(ours, theirs)


def same_text(ours, theirs):
    if ours == theirs:
        return ""
    for number, (our, their) in enumerate(zip(ours.splitlines(), theirs.splitlines(), strict=False)):
        if our != their:
            return f"line {number}: {our[:300]!r}\n     not {their[:300]!r}"
    return f"{len(ours.splitlines())} lines, not {len(theirs.splitlines())}: {ours[-200:]!r}"


def same_description(ours, theirs):
    return same_text(*(json.dumps(unordered(json.loads(text)), indent=1, sort_keys=True) for text in (ours, theirs)))


def unordered(value):
    """*value* with what Falco keeps in sets, in an order of its hash tables, sorted."""
    match value:
        case dict():
            return {key: unordered(item) for key, item in value.items()}
        case [str(), *_]:
            return sorted(value)
        case list():
            return [unordered(item) for item in value]
        case _:
            return value


def same_validation(ours, theirs):
    """JSON: errors beyond the first and what stands below x-falco-py are ours. Text: the first line."""
    if not theirs.startswith("{"):
        return same_text(ours.partition("\n")[0], theirs.partition("\n")[0])
    return same_text(canonical(ours), canonical(theirs))


def canonical(text):
    document = json.loads(text)
    for result in document["falco_load_results"]:
        del result["errors"][1:]
        result.pop("schema_warnings", None)
    return json.dumps(unordered(without_extensions(document)), indent=1, sort_keys=True)


def without_extensions(value):
    match value:
        case dict():
            return {key: without_extensions(item) for key, item in value.items() if key != "x-falco-py"}
        case list():
            return [without_extensions(item) for item in value]
        case _:
            return value


def same_fields(ours, theirs):
    """Names, types, flags and arguments of ``--list``; descriptions are our own."""
    return same_text(rows(ours), rows(theirs))


def rows(text):
    if text.startswith("{"):
        found = [
            (field["name"], field["type"], str(field["is_list"]), json.dumps(field["argument"]))
            for group in json.loads(text)["fieldclasses"]
            for field in group["fields"]
            if is_comparable(field["name"])
        ]
    else:
        found = [
            tuple(line.split(" | ")[:2]) for line in text.splitlines() if line.startswith("`") and is_comparable(line)
        ]
    return "\n".join(sorted(" ".join(row) for row in found))


def is_comparable(name):
    """Fields of ours that Falco lacks have no recorded row."""
    return "jevt.time" not in name


def same_keys(ours, theirs):
    """Keys and types of ``--config-schema``: every key of Falco is one of ours, of the same type."""
    mine, missing = leaves(json.loads(ours)), []
    for path, kinds in leaves(json.loads(theirs)).items():
        if (
            not kinds <= mine.get(path, set()) and path != ".rule_files[]"
        ):  # upstream: a slip of the pen for rules_files
            missing.append(f"{path}: {mine.get(path)}, not {kinds}")
    return "; ".join(missing)


def leaves(schema):
    definitions = schema.get("$defs") or schema.get("definitions") or {}

    def walk(node, path):
        while "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
        options = [one for one in node.get("anyOf", node.get("oneOf", ())) if one.get("type") != "null"]
        if options:
            for one in options:
                yield from walk(one, path)
        elif "properties" in node:
            for name, below in node["properties"].items():
                yield from walk(below, f"{path}.{name}")
        elif node.get("type") == "array":
            yield from walk(node.get("items", {}), f"{path}[]")
        elif "type" in node:
            yield path, node["type"]

    found = {}
    for path, kind in walk(schema, ""):
        found.setdefault(path, set()).add(kind)
    return found


def same_options(ours, theirs):
    """Option names of ``--help``."""
    lines = (line.partition("  ")[0] for line in re.findall(r"^ +(--?[A-Za-z].*)$", theirs, re.MULTILINE))
    names = [name for line in lines for name in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", line)]
    return ", ".join(name for name in dict.fromkeys(names) if not re.search(rf"(?<![\w-]){name}(?![\w-])", ours))


OWN_VERSIONS = {"Falco version", "Libs version", "  Default driver", "falco_version", "libs_version"} | {
    "default_driver_version"
}


def same_shape(ours, theirs):
    """``--version`` and its JSON but for the versions of the programs, and the keys of ``--support``."""
    if theirs.startswith("{'"):
        return (
            ""
            if set(json.loads(ours)) == {"cmdline", "config", "engine_info", "rules_files", "system_info", "version"}
            else ours
        )
    if theirs.startswith("{"):
        mine = json.loads(ours)
        return ", ".join(
            f"{key}: {mine.get(key)}, not {value}"
            for key, value in json.loads(theirs).items()
            if key not in mine or (mine[key] != value and key not in OWN_VERSIONS)
        )
    return same_text(*(without_own_versions(text) for text in (ours, theirs)))


def without_own_versions(text):
    lines = (line.partition(":") for line in text.split("\n"))
    return "\n".join(label if label in OWN_VERSIONS else f"{label}{colon}{value}" for label, colon, value in lines)


def same_plugins(ours, theirs):
    """The layout, and what plugins can do. Several plugins of Falco are one of ours, which may open a source, too."""
    missing = set(re.findall(r"^  - .*", theirs, re.MULTILINE)) - set(re.findall(r"^  - .*", ours, re.MULTILINE))
    if missing:
        return f"no {missing}"
    if "open params" not in theirs:
        ours = ours.partition("No suggested open params")[0]
    return same_text(layout(ours), layout(theirs))


def layout(text):
    """*text* without what differs from plugin to plugin, one block for all in a row."""
    text = re.sub(r"^(Name|Description|Contact|Version): .+", r"\1: ", text, flags=re.MULTILINE)
    text = re.sub(r"^(?:  - .*\n)+", "  - \n", text, flags=re.MULTILINE)
    text = re.sub(r"^\d+ Plugins|^\{.*\}$", "", text, flags=re.MULTILINE)
    block = "Name: \nDescription: \nContact: \nVersion: \nCapabilities: \n  - \n\n"
    return re.sub(f"(?:{block})+", block, text)


KINDS = {
    "--list": same_fields,
    "--config-schema": same_keys,
    "--help": same_options,
    "--version": same_shape,
    "--support": same_shape,
    "--list-plugins": same_plugins,
    "--plugin-info": same_plugins,
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("suite", ["output/cases", "validation/multi"])
def test_runs_come_out_as_recorded(oracle, suite, tmp_path):
    data = oracle / "k8s_audit" / f"{suite}.jsonl.gz"
    judge_all(records(data), run, Verdict(f"k8s_audit/{suite}"), oracle, tmp_path).judge(data)


@pytest.mark.timeout(600)
def test_the_installed_command_does_the_same(oracle, tmp_path):
    cases = [case for case in records(oracle / "k8s_audit/output/cases.jsonl.gz") if case["rc"] in {0, 1, 255}]
    chosen = cases[:: max(1, len(cases) // 40)]
    verdict = judge_all(chosen, run_installed, Verdict("k8s_audit/output/cases"), oracle, tmp_path)

    assert not verdict.failed
    assert verdict.agreed > len(chosen) / 2


def judge_all(cases, run, verdict, oracle, tmp_path):
    recordings = oracle / "k8s_audit" / "output"
    for case in cases:
        if isinstance(case["rc"], int) and case["rc"] < 0:
            verdict.excuse(Reason.FALCO_CRASH)
            continue
        folder = tmp_path / str(case["id"])
        folder.mkdir()
        lay_out(case, folder, recordings)
        result = run(case, folder)
        how = judge(case, result, folder)
        name = f"{case['id']} {case['name']}"
        if how and result.code == case["rc"] and is_refusal(case, result.stdout, recordings):
            verdict.excuse(Reason.REFUSED_JSON)
        elif how:
            verdict.differ(name, how)
        else:
            verdict.agree(name)
    return verdict
