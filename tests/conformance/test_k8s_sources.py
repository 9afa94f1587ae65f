"""Recorded runs over open_params, init_config and files of every kind, through the command line."""

import json
import os
import re

from recorded import audit_events as audit
from recorded.command import falco
from recorded.verdict import Reason, Verdict

CONFIG = """\
engine: {{kind: nodriver}}
load_plugins: [k8saudit, json]
plugins:
  - name: k8saudit
    library_path: libk8saudit.so
    open_params: {open_params}
    init_config: {init_config}
  - {{name: json, library_path: libjson.so}}
rules_files: [{folder}/rules.yaml]
json_output: true
stdout_output: {{enabled: true}}
"""
RULE = """\
- rule: n
  desc: n
  condition: evt.num exists
  output: "%evt.num %ka.auditid"
  priority: INFO
  source: k8s_audit
"""
SIZED = re.compile(r"line of (\d+) bytes")


def event(name, second=1, pad=None):
    """An event as the recorded files have them; padded to *pad* bytes."""
    values = {"kind": "Event", "auditID": name, "verb": "get", "stageTimestamp": f"2024-01-01T00:00:0{second}Z"}
    text = json.dumps(values, separators=(",", ":"))
    if pad is not None:
        filler = "p" * (pad - len(text) - len(',"pad":""'))
        text = f'{text[:-1]},"pad":"{filler}"}}'
    return text


def content(record):
    """The input of a record: its own, or what its name says."""
    name, files = record["name"], record.get("files")
    small = f"{event('a1')}\n{event('a2', 2)}\n{event('a3', 3)}\n"
    if isinstance(files, list):
        return files[0]
    if size := SIZED.match(name):
        return f"{event('a1')}\n{event('a2', 2, int(size[1]))}\n{event('a3', 3)}\n"
    if name == "one newline":
        return "\n"
    if name == "BOM":
        return f"\ufeff{event('a1')}\n{event('a2', 2)}\n"
    if name.startswith("out of order"):
        return f"{event('a5', 5)}\n{event('a1', 1)}\n{event('a3', 3)}\n"
    if name.startswith("maxEventSize"):
        return f"{event('a1')}\n{event('a2', 2, 1093)}\n{event('a3', 3)}\n"
    if name.startswith("init_config"):
        return small
    return f"{event('a1')}\ngarbage\n{event('a2', 2)}\n{{}}\n{event('a3', 3)}\n"


def write(folder, record, last):
    """The files of a run. *last* is the input of the arguments' runs, which is recorded with the first of each two."""
    (folder / "f.jsonl").write_text(content(record), encoding="utf-8", newline="")
    (folder / "p.jsonl").write_text(last, encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "dir" / "sub").mkdir(parents=True)
    for name, time_s, text in (
        ("b.jsonl", 1000, f"{event('a1')}\n{event('a2', 2)}\n"),
        ("z.txt", 1500, f"{event('a5', 5)}\n"),
        ("a.jsonl", 2000, event("a3", 3)),
        ("sub/c.jsonl", 500, event("a4", 4)),
    ):
        (folder / "dir" / name).write_text(text, encoding="utf-8")
        os.utime(folder / "dir" / name, (time_s, time_s))


def alerts(stdout):
    return [json.loads(line)["output_fields"] for line in stdout.split("\n") if line.startswith("{")]


def test_sources_behave_as_recorded(oracle, tmp_path, monkeypatch):
    data = oracle / "k8s_audit" / "k8s" / "source_behaviour.jsonl"
    verdict = Verdict("k8s_audit/k8s/source_behaviour")
    last = ""
    for number, record in enumerate(audit.lines(data)):
        if "results" in record:
            verdict.excuse(Reason.FALCO_CRASH)  # what is lost before Falco gives up at a long line
            continue
        name = record["name"]
        folder = tmp_path / str(number)
        folder.mkdir()
        if record.get("open_params") == "$DIR/p.jsonl" and record.get("files"):
            last = record["files"][0]
        write(folder, record, last)
        (folder / "rules.yaml").write_text(record.get("rules", RULE), encoding="utf-8")
        open_params = record.get("open_params", "$DIR/f.jsonl").replace("$DIR", str(folder))
        init_config = name.removeprefix("init_config string ")
        init_config = json.dumps(init_config) if name.startswith("init_config") else "{}"
        config = CONFIG.format(open_params=json.dumps(open_params), init_config=init_config, folder=folder)
        (folder / "falco.yaml").write_text(config, encoding="utf-8")
        monkeypatch.chdir(folder)  # relative paths are the process's
        options = [part for option in record.get("opts", ()) for part in ("-o", option)]
        result = falco(["-c", "falco.yaml", "--enable-source", "k8s_audit", *options], folder)
        if record["rc"] < 0:
            verdict.excuse(Reason.FALCO_CRASH)
            assert result.code == 0, f"{name}: {result.stderr}"
            continue
        _judge(verdict, record, result)
    verdict.judge(data)


def _judge(verdict, record, result):
    found = alerts(result.stdout)
    expected = record["events"]
    if isinstance(expected, int):
        found = len(found)
    elif expected and isinstance(expected[0], list):
        found = [[fields["evt.num"], fields["ka.auditid"]] for fields in found]
    if (result.code, found) == (record["rc"], expected) and (not record["rc"] or result.error):
        verdict.agree(record["name"])
    else:
        verdict.differ(record["name"], f"{result.code} {found} {result.error}, Falco: {record['rc']} {expected}"[:400])
