"""Recorded rule files: what Falco says about each, and how it describes those that it loads."""

import base64
import gzip
import json
import re

import pytest
from recorded import scopes
from recorded.verdict import Reason, Verdict

from falco.errors import RuleError
from falco.rules import describe, requirements
from falco.rules.loader import RuleLoader

UNORDERED = ("macros", "lists", "condition_operators", "condition_fields", "exception_fields", "exception_names")
UNORDERED = (*UNORDERED, "exception_operators", "events", "plugins")
"""Details that Falco keeps in hash tables."""
FEATURES = {
    "exceptions replaced": r"override:.*exceptions\W*: *.?replace",
    "lone CR": r"\r(?!\n)",
    "documents": r"(?m)^---$.*\n[^-]",
    "escape": r'"[^"]*\\[NLP_]|[|>]\+',
}
"""What a rule file has in it that a listed difference may be about."""


def records(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def sources():
    return {config: scopes.scopes(config) for config in scopes.PLUGINS}


@pytest.fixture(scope="module")
def folder(oracle):
    return oracle / "k8s_audit" / "validation"


def load(record, sources):
    text = record["text"]
    loader = RuleLoader(sources[record["config"]])
    data = base64.b64decode(text["b64"]) if isinstance(text, dict) else text.encode()
    return loader, loader.load("rules.yaml", data)


@pytest.mark.parametrize("suite", ["files", "random_rulesets"])
def test_validation(suite, folder, sources):
    verdict = Verdict(f"k8s_audit/validation/{suite}")
    for record in records(folder / f"{suite}.jsonl.gz"):
        validate(record, *load(record, sources), verdict)
    verdict.judge(folder / f"{suite}.jsonl.gz")


def validate(record, loader, result, verdict):
    if record["rc"] < 0:
        verdict.excuse(Reason.FALCO_CRASH)
        return
    if record.get("json") is None:
        difference = unmet(record, loader)
        theirs = record["stderr"]
    else:
        (theirs_document,) = record["json"]["falco_load_results"]
        difference = compare(comparable(result.to_json()), comparable(theirs_document))
        if not difference and (printed := record.get("text_stdout")):
            difference = "" if printed.split("\n")[0] == result.summary else f"summary: {result.summary}"
        theirs = said(theirs_document["errors"])
    if difference:
        ours = said(result.to_json()["errors"])
        in_macro = " [in a macro]" if any(f.chain for f in (*result.errors, *result.warnings)) else ""
        case = f"{record['id']} {record.get('cat', 'random')}{features(record)}{in_macro}"
        verdict.differ(f"{case} | falco: {theirs} | ours: {ours} | {difference}", "")
    else:
        verdict.agree(record["id"])


def unmet(record, loader):
    """How our word on required plugins is not Falco's, which says nothing else when they are not there."""
    try:
        requirements.check(loader.required_plugins, scopes.PLUGINS[record["config"]])
    except RuleError as error:
        return "" if f"Error: {error}\n" == record["stderr"] else f"requirement: {error}"
    return "requirements are met"


def features(record):
    text = record["text"] if isinstance(record["text"], str) else ""
    return "".join(f" [{name}]" for name, pattern in FEATURES.items() if re.search(pattern, text))


def said(errors):
    return errors[0]["message"].split("\n")[0] if errors else "ok"


def comparable(document):
    """The first error, all warnings; of what libraries say only the place."""
    document = without_extensions(document)
    document["errors"] = document["errors"][:1]
    for error in document["errors"]:
        if error["code"] == "LOAD_ERR_YAML_PARSE":
            # two YAML parsers do not give up at the same character
            error["message"] = error["context"]["snippet"] = ""
            error["context"]["locations"][-1]["position"] = {}
        elif re.search("yaml-cpp|invalid node|[Oo]f? ?override must be", error["message"]):
            error["message"] = ""
    if "schema_warnings" in document:
        places = [fault.removeprefix("failed for ").split(": ")[0] for fault in leaf_faults(document)]
        document["schema_warnings"] = sorted(set(places))
    return document


def leaf_faults(document):
    """Without the faults that only say that something inside is faulty."""
    return [f for f in document["schema_warnings"] if "Failed to validate" not in f and f != "ok"]


def without_extensions(value):
    if isinstance(value, dict):
        return {key: without_extensions(item) for key, item in value.items() if key != "x-falco-py"}
    return [without_extensions(item) for item in value] if isinstance(value, list | tuple) else value


def compare(ours, theirs, place=""):
    """Where the documents differ first; "" if nowhere."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if difference := compare(ours.get(key), theirs.get(key), f"{place}/{key}"):
                return difference
        return ""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        differences = (compare(a, b, f"{place}/{n}") for n, (a, b) in enumerate(zip(ours, theirs, strict=True)))
        return next(filter(None, differences), "")
    return "" if ours == theirs else f"{place}: {ours!r}, not {theirs!r}"


def test_describe(folder, sources):
    verdict = Verdict("k8s_audit/validation/describe")
    files = {
        record["id"]: record
        for suite in ("files", "random_rulesets")
        for record in records(folder / f"{suite}.jsonl.gz")
    }
    described = {record["id"]: record["describe"] for record in files.values() if record.get("describe")}
    described |= {record["id"]: record.get("describe") for record in records(folder / "describe.jsonl.gz")}
    for case, theirs in described.items():
        if theirs is None:
            verdict.excuse(Reason.FALCO_CRASH)
        elif case in files:
            loader, result = load(files[case], sources)
            ours = describe.to_json(loader, plugins={"k8s_audit": "k8saudit"})
            if difference := compare(canonical(ours), canonical(theirs)):
                verdict.differ(
                    f"{case}{features(files[case])} | ours: {said(result.to_json()['errors'])} | {difference}", ""
                )
            else:
                verdict.agree(case)
    verdict.judge(folder / "describe.jsonl.gz")


def canonical(described):
    for kind in ("rules", "macros", "lists"):
        for item in described[kind]:
            details = item["details"]
            details |= {key: sorted(details[key]) for key in UNORDERED if key in details}
    return described
