"""Falco's own regression suites: the old one and the one written in Go."""

import json
import re
import shutil
from pathlib import Path

import pytest
from recorded.command import falco
from recorded.verdict import Reason, Verdict

OWN_PLUGINS = {"plugin:k8saudit", "plugin:json", "plugin:container"}


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- the old suite -----------------------------------------------------------------------------------------------------


def excuse_old(case):
    if case["obsolete"]:
        return Reason.OBSOLETE
    if not set(case["requires"]) <= OWN_PLUGINS:
        return Reason.OTHER_PLUGIN
    args = case["args"]
    if "grpc" in args or (args.get("run_tags") and (args.get("disable_tags") or args.get("disabled_rules"))):
        return Reason.REMOVED  # flags that could not be mixed
    return None


def run_old(case, suite):
    args = case["args"]
    options = {"json_output": False, "json_include_output_property": True, "json_include_tags_property": True}
    options |= {name: args[name] for name in options if name in args}
    if case["kind"] == "validate":
        options["json_output"] = True
    command = [part for name in case["rules"] for part in ("-V" if case["kind"] == "validate" else "-r", place(name))]
    command += ["-c", place(case["config"])]
    for name, value in options.items():
        command += ["-o", f"{name}={str(value).lower()}"]
    command += ["-o", f"priority={args.get('priority', 'debug')}"]
    if case["kind"] == "scap":
        command += ["-o", "engine.kind=replay", "-o", f"engine.replay.capture_file={place(case['trace'])}"]
    else:
        command += ["-o", "engine.kind=nodriver"]
    command += [f"--enable-source={name}" for name in args.get("enable_source", ())]
    command += (args.get("addl_cmdline_opts") or "").split()
    if args.get("time_iso_8601"):
        command += ["-o", "time_format_iso_8601=true"]
    if args.get("run_tags"):
        command += ["-o", "rules[].disable.rule=*"]
    for tag in args.get("run_tags", ()):
        command += ["-o", f"rules[].enable.tag={tag}"]
    for name in args.get("disabled_rules", ()):
        command += ["-o", f"rules[].disable.rule=*{name}*"]
    for tag in args.get("disable_tags", ()):
        command += ["-o", f"rules[].disable.tag={tag}"]
    return falco(command, suite / "test", {"FALCO_HOSTNAME": "test-falco-hostname"})


def place(name):
    return f"../{name}"


def judge_old(case, result):
    args = case["args"]
    expected = args.get("exit_status", 0)
    if result.code != expected:
        return f"exit code {result.code}, not {expected}: {result.stderr[-300:]!r}"
    for stream in ("stdout", "stderr"):
        text = getattr(result, stream)
        for pattern in as_list(args.get(f"{stream}_contains")):
            if not re.search(pattern, text, re.DOTALL):
                return f"{stream} lacks {pattern!r}: {text[-300:]!r}"
        for pattern in as_list(args.get(f"{stream}_not_contains")):
            if re.search(pattern, text):
                return f"{stream} has {pattern!r}"
    if "stdout_is" in args and result.stdout != args["stdout_is"]:
        return f"stdout is {result.stdout!r}"
    if case["kind"] == "validate":
        return judge_validation(args, result.stdout)
    if expected == 0 and args.get("check_detection_counts", True) and case["kind"] != "none":
        return judge_detections(args, result.stdout)
    return ""


def as_list(value):
    return [] if value is None else [value] if isinstance(value, str) else value


def judge_validation(args, stdout):
    results = json.loads(stdout.splitlines()[0])["falco_load_results"]
    for name in as_list(args.get("validate_ok")):
        if not any(one["successful"] and Path(one["name"]).name == name for one in results):
            return f"{name} is not valid"
    for kind in ("errors", "warnings"):
        for wanted in args.get(f"validate_{kind}", ()):
            found = [one for result in results for one in result[kind]]
            if not any(is_wanted(one, wanted) for one in found):
                return f"no {wanted} among {[(one['code'], one['message']) for one in found]}"
    return ""


def is_wanted(fault, wanted):
    """Code and place. The sentences are those of engine 19; the suite in Go has today's."""
    places = {(one["item_type"], one["item_name"]) for one in fault["context"]["locations"]}
    return fault["code"] == wanted["code"] and (wanted["item_type"], wanted["item_name"]) in places


def judge_detections(args, stdout):
    detected = int(re.search(r"Events detected: (\d+)", stdout)[1])
    if not args.get("detect"):
        return f"{detected} events detected" if detected else ""
    if not detected:
        return "no event detected"
    for level in as_list(args.get("detect_level")):
        if not re.search(rf"(?i){level}: \d+", stdout):
            return f"no alert of level {level}"
    for rule, number in (args.get("detect_counts") or {}).items():
        found = re.search(rf"\s{re.escape(rule)}: (\d+)", stdout)
        if (int(found[1]) if found else 0) != number:
            return f"rule {rule}: {found and found[1]} alerts, not {number}"
    return ""


@pytest.mark.timeout(1200)
def test_old_suite(conformance, monkeypatch):
    suite = conformance / "legacy"
    monkeypatch.chdir(suite / "test")  # open_params are relative to it
    verdict = Verdict("conformance/legacy")
    for case in records(suite / "cases.jsonl"):
        reason = excuse_old(case)
        if reason is not None:
            verdict.excuse(reason)
            continue
        how = judge_old(case, run_old(case, suite))
        if how:
            verdict.differ(case["id"], how)
        else:
            verdict.agree(case["id"])
    verdict.judge(suite / "cases.jsonl")


# -- the suite in Go ---------------------------------------------------------------------------------------------------

REMOVED = re.compile("grpc", re.IGNORECASE)


def excuse_new(case):
    if case["skip"]:
        return Reason.OBSOLETE
    if case["capture_missing"]:
        return Reason.NO_CAPTURE
    if case["kind"] == "live":
        return Reason.LIVE_KERNEL
    if not set(case["requires"]) <= OWN_PLUGINS:
        return Reason.OTHER_PLUGIN
    if REMOVED.search(case["id"]):
        return Reason.REMOVED
    return None


@pytest.fixture
def workdir(conformance, tmp_path):
    """A copy of the suite's files: relative names in command lines start there."""
    for name in ("rules", "configs", "outputs"):
        shutil.copytree(conformance / "modern" / name, tmp_path / name)
    return tmp_path


def run_new(case, suite, workdir):
    config = case["config"]
    path = workdir / ("configs/HOST_falco.yaml" if config == "HOST_DEFAULT" else config or "configs/empty_config.yaml")
    capture = str((suite / case["capture_path"]).resolve()) if case["capture_path"] else ""
    text = path.read_text(encoding="utf-8").replace("$CAPTURE", capture)
    (workdir / "used.yaml").write_text(text, encoding="utf-8")
    places = {"$CONFIG": "used.yaml", "$CAPTURE": capture, "$WORKDIR": str(workdir)}
    command = [filled(argument, places) for argument in case["argv"]]
    return falco(command, workdir, case["options"].get("env"))


def filled(text, places):
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def judge_new(case, result, suite):
    expect = case["expect"]
    if "exit_code" in expect and result.code != expect["exit_code"]:
        return f"exit code {result.code}, not {expect['exit_code']}: {result.stderr[-400:]!r}"
    if "error" in expect and (result.code != 0) != expect["error"]:
        return f"exit code {result.code}: {result.stderr[-400:]!r}"
    for stream in ("stdout", "stderr"):
        text = getattr(result, stream)
        for wanted in expect.get(f"{stream}_contains", ()):
            if wanted not in text:
                return f"{stream} lacks {wanted!r}: {text[-300:]!r}"
        for pattern in expect.get(f"{stream}_regex", ()):
            if not re.search(pattern, text):
                return f"{stream} lacks {pattern!r}: {text[-300:]!r}"
        for pattern in expect.get(f"{stream}_not_regex", ()):
            if re.search(pattern, text):
                return f"{stream} has {pattern!r}"
    if keys := expect.get("stdout_json_has_keys"):
        missing = set(keys) - set(json.loads(result.stdout))
        if missing:
            return f"no {missing}"
    how = judge_alerts(expect.get("detections", ()), result.stdout)
    if not how and ("validation" in expect or "successful" in expect):
        how = judge_load_results(expect, json.loads(result.stdout)["falco_load_results"])
    if not how and "describe_json" in expect:
        how = judge_description(expect["describe_json"], json.loads(result.stdout))
    return how


def judge_alerts(detections, stdout):
    alerts = [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]
    for wanted in detections:
        found = sum(
            alert.get("rule") == wanted.get("rule", alert.get("rule"))
            and wanted.get("priority", "").lower() in alert.get("priority", "").lower()
            for alert in alerts
        )
        if not compare(found, wanted):
            return f"{found} alerts, not {wanted}"
    return ""


def compare(number, wanted):
    count = wanted["count"]
    return {"==": number == count, ">": number > count, ">=": number >= count, "<": number < count}[wanted["op"]]


def judge_load_results(expect, results):
    for number in expect.get("successful", ()):
        if not results[number]["successful"]:
            return f"{results[number]['name']} is not valid"
    for wanted in expect.get("validation", ()):
        found = sum(is_asked_for(fault, wanted) for result in results for fault in result[wanted["list"]])
        if not compare(found, wanted):
            faults = [(one["code"], one["message"]) for result in results for one in result[wanted["list"]]]
            return f"{found} of {wanted}: {faults}"
    return ""


def is_asked_for(fault, wanted):
    sentence = wanted.get("message", fault["message"])
    if sentence.startswith("yaml-cpp: "):  # the words of a library that is not ours
        sentence = fault["message"]
    places = fault["context"]["locations"]
    return (
        fault["code"].lower() == wanted.get("code", fault["code"]).lower()
        and fault["message"] == sentence
        and all(
            key not in wanted or any(one[key].lower() == wanted[key].lower() for one in places)
            for key in ("item_type", "item_name")
        )
    )


def judge_description(expected, document):
    for path, wanted in expected.items():
        value = document
        for step in re.findall(r"[^.\[\]]+", path):
            value = value[int(step)] if step.isdigit() else value[step]
        for kind, target in wanted.items():
            met = {
                "==": lambda value=value, target=target: value == target,
                "len": lambda value=value, target=target: len(value) == target,
                "set_eq": lambda value=value, target=target: sorted(value) == sorted(target),
                "nonempty": lambda value=value, target=target: bool(value) == target,
            }[kind]()
            if not met:
                return f"{path}: {value!r}, not {kind} {target!r}"
    return ""


@pytest.mark.timeout(1200)
def test_suite_in_go(conformance, workdir):
    suite = conformance / "modern"
    verdict = Verdict("conformance/modern")
    for case in records(suite / "cases.jsonl"):
        reason = excuse_new(case)
        if reason is not None:
            verdict.excuse(reason)
            continue
        how = judge_new(case, run_new(case, suite, workdir), suite)
        if how:
            verdict.differ(case["id"], how)
        else:
            verdict.agree(case["id"])
    verdict.judge(suite / "cases.jsonl")
