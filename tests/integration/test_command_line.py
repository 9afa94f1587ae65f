"""The command line with the plugins of this project, in this process."""

import json
import re
import time
from pathlib import Path

import pytest
from recorded.command import falco

from falco import log
from falco.cli import running
from falco.sources import Source
from falco_k8s_audit.source import AuditSource
from falco_syscall.source import SyscallSource

EXAMPLE = Path(__file__).parents[2] / "examples" / "audit.jsonl"
RULE = """\
- rule: Created
  desc: Something was created.
  condition: ka.verb = create
  output: "created by %ka.user.name"
  priority: WARNING
  source: k8s_audit
  tags: [one]
"""
EVENT = {
    "kind": "Event",
    "auditID": "a",
    "stage": "ResponseComplete",
    "verb": "create",
    "user": {"username": "eve"},
    "stageTimestamp": "2024-01-02T03:04:05.000000006Z",
}
CONFIG = """\
plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: %s}]
rules_files: [rules.yaml]
engine: {kind: nodriver}
stdout_output: {enabled: true}
log_stderr: true
log_syslog: false
log_level: warning
"""


@pytest.fixture
def here(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULE)
    (tmp_path / "events.jsonl").write_text(json.dumps(EVENT) + "\n")
    (tmp_path / "falco.yaml").write_text(CONFIG % (tmp_path / "events.jsonl"))
    return tmp_path


def run(here, *arguments, **env):
    return falco(["-c", "falco.yaml", *arguments], here, env)


def test_an_audit_file_becomes_alerts_and_statistics(here):
    result = run(here)

    assert result.code == 0
    assert result.stdout == (
        "03:04:05.000000006: Warning created by eve\n"
        "Events detected: 1\nRule counts by severity:\n   WARNING: 1\nTriggered rules by rule name:\n   Created: 1\n"
    )


def test_scan_needs_no_configuration(here):
    result = falco(["scan", "events.jsonl", "-r", "rules.yaml"], here)

    assert result.code == 1
    assert result.stdout.startswith("03:04:05.000000006: Warning created by eve\n\n1 alert in 1 event of 1 input\n")
    assert result.stderr == ""


def test_scan_brings_rules_of_its_own(here):
    result = falco(["scan", "--json", str(EXAMPLE)], here)

    alerts = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.code == 1
    assert len(alerts) >= 5
    assert {alert["source"] for alert in alerts} == {"k8s_audit"}


def many(count=2000):
    """Lines of a log that is worth several processes: events a second apart, and a line that is none."""
    events = [
        EVENT
        | {"auditID": str(n), "user": {"username": f"u{n}"}, "pad": "p" * 2000}
        | {"stageTimestamp": f"2024-01-02T03:{n // 60:02}:{n % 60:02}.000006Z"}
        for n in range(count)
    ]
    lines = [json.dumps(event) for event in events]
    return "\n".join([*lines[: count // 3], "nonsense", *lines[count // 3 :], ""])


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("ka.verb = create", "%evt.num %evt.reltime"),
        ("ka.verb = create", '%evt.num %join(",", (evt.num)) %join(",", (evt.reltime))'),
        ("ka.verb = create and evt.num > 1900", "%evt.num"),
        ("ka.verb = create and evt.reltime > 1900000000000", "%evt.reltime"),
    ],
)
def test_several_processes_find_the_same_in_the_same_order(here, condition, shown):
    (here / "events.jsonl").write_text(many())
    rule = RULE.replace("ka.verb = create", condition).replace("%ka.user.name", shown.replace('"', '\\"'))
    (here / "rules.yaml").write_text(rule)

    one, two = (run(here, "--jobs", jobs) for jobs in ("1", "2"))

    assert one.stdout == two.stdout
    assert len(one.stdout.splitlines()) > 90


def test_a_run_of_some_seconds_leaves_later_events_out_with_any_number_of_processes(here):
    (here / "events.jsonl").write_text(many(1500))

    one, two = (run(here, "-M", "100", "--jobs", jobs) for jobs in ("1", "2"))

    assert one.stdout == two.stdout
    assert "Events detected: 101\n" in one.stdout
    assert "one process does the work of 2: -M looks at events in order" in two.stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_of_some_seconds_ends_by_the_clock_while_nothing_comes(here, jobs):
    (here / "falco.yaml").write_text(CONFIG % f"file://{here / 'events.jsonl'}")

    assert run(here, "-M", "1", "--jobs", jobs).code == 0


@pytest.mark.timeout(60)
def test_a_run_of_some_seconds_ends_by_the_clock_while_events_come_that_no_rule_is_for(here, monkeypatch):
    def endless(self):
        while not self.is_closed:
            yield [json.dumps(EVENT | {"verb": "get"}).encode()]

    monkeypatch.setattr(AuditSource, "batches", endless)
    for name in ("open", "close"):
        monkeypatch.setattr(AuditSource, name, getattr(Source, name))

    assert run(here, "-M", "1").code == 0


@pytest.mark.parametrize(("zone", "hour"), [("UTC", "03"), ("Asia/Kolkata", "08"), ("NoSuchZone", "03")])
def test_jevt_time_is_in_the_zone_of_the_run_in_conditions_and_outputs(here, zone, hour):
    rule = RULE.replace("ka.verb = create", f"jevt.time startswith {hour}").replace("%ka.user.name", "%jevt.time")
    (here / "rules.yaml").write_text(rule)
    result = run(here, TZ=zone)

    assert f"Warning created by {hour}:" in result.stdout


def test_refused_records_are_counted_and_said(here):
    (here / "events.jsonl").write_text("{\n" + json.dumps(EVENT) + "\n")
    result = run(here)

    assert "created by eve" in result.stdout
    assert "events.jsonl:1" in result.stderr
    assert "Lost or refused:\n   k8s_audit: " in result.stderr


def test_a_source_that_fails_is_an_error_after_the_statistics(here):
    (here / "events.jsonl").unlink()
    result = run(here)

    assert result.code == 1
    assert result.stdout.startswith("Events detected: 0\n")
    assert result.error.startswith("stat ")


def test_dry_run_opens_nothing(here):
    (here / "events.jsonl").unlink()
    result = run(here, "--dry-run")

    assert (result.code, result.stdout) == (0, "")


def test_a_rule_with_an_error_shows_the_place(here):
    (here / "rules.yaml").write_text(RULE.replace("ka.verb = create", "ka.verbb = create"))
    result = run(here)

    assert result.code == 1
    assert result.error.startswith("rules.yaml: Invalid\nrules.yaml:3:14: error[LOAD_ERR_COMPILE_CONDITION]: ")
    assert "\n      |              ^^^^^^^" in result.error


def test_validate_says_what_is_wrong_and_exits_1(here):
    (here / "bad.yaml").write_text("- rule: R\n")
    good, bad = (run(here, "validate", name) for name in ("rules.yaml", "bad.yaml"))

    assert (good.code, good.stdout) == (0, "rules.yaml: Ok\n")
    assert bad.code == 1
    assert bad.stdout.startswith("bad.yaml: Invalid\n")
    assert bad.error == "bad.yaml: Invalid"


def test_validate_describes_as_well(here):
    printed = run(here, "-V", "rules.yaml", "-L").stdout

    assert printed == "rules.yaml: Ok\n\n" + run(here, "-L").stdout
    assert "Something was created." in printed


OBEYED = "\x1b[2J\x9b2J\u202e"


@pytest.mark.parametrize("rule", [RULE.replace("Created", r'"\e[2J\x9b2J\u202e"'), f"- rule: {OBEYED}\n"])
def test_validate_shows_what_a_terminal_would_obey(here, rule):
    name = f"bad{OBEYED}.yaml"
    (here / name).write_text(rule.replace("ka.verb =", "ka.verbb ="), encoding="utf-8")
    result = run(here, "-V", name)
    document = json.loads(run(here, "-V", name, "-o", "json_output=true").stdout)

    assert result.stdout.startswith("bad\\u001b[2J\\u009b2J\\u202e.yaml: Invalid\n")
    assert not set(OBEYED) & set(result.stdout + result.stderr) - set("[2J")
    assert document["falco_load_results"][0]["name"] == name


@pytest.mark.parametrize("arguments", [["-r", f"no{OBEYED}.yaml"], ["-c", OBEYED], [OBEYED], ["-o", f"{OBEYED}=1"]])
def test_errors_show_what_a_terminal_would_obey(here, arguments):
    said = run(here, *arguments).stderr

    assert "\\u001b[2J\\u009b2J\\u202e" in said
    assert not set(OBEYED) & set(said) - set("[2J")


def test_validate_prints_json(here):
    document = json.loads(run(here, "validate", "--json", "rules.yaml").stdout)

    assert [(one["name"], one["successful"]) for one in document["falco_load_results"]] == [("rules.yaml", True)]


def test_describe_prints_one_rule(here):
    assert run(here, "-l", "Created").stdout.splitlines()[2].split() == [
        "Created",
        "Something",
        "was",
        "created.",
    ]
    assert json.loads(run(here, "describe", "--json", "Created").stdout)["rules"][0]["info"]["name"] == "Created"
    assert run(here, "describe", "Nope").error == 'Rule "Nope" is not loaded'
    assert run(here, "describe", "created").error == "Rule \"created\" is not loaded: did you mean 'Created'?"


def test_describe_shows_what_a_rule_consists_of(here):
    printed = run(here, "describe", "Created").stdout

    assert printed.startswith("rule:       Created\ndesc:       Something was created.\n")
    assert {"condition:", "output:", "priority:"} <= {line.split(" ")[0] for line in printed.splitlines()}


@pytest.mark.parametrize("arguments", [["validate", "rules.yaml"], ["describe"], ["list", "fields"]])
def test_questions_are_answered_without_a_log(here, arguments):
    assert run(here, *arguments).stderr == ""


def test_validate_takes_directories(here):
    folder = here / "rules.d"
    folder.mkdir()
    assert run(here, "validate", "rules.d").error == "no .yaml or .yml file is in rules.d"

    (folder / "one.yaml").write_text(RULE, encoding="utf-8")
    assert run(here, "validate", "rules.d").stdout == "rules.d/one.yaml: Ok\n"


@pytest.mark.parametrize(
    "arguments",
    [["--list=k8s_audit", "-N"], ["-N", "list", "fields", "k8s_audit"], ["list", "fields", "k8s_audit", "-N"]],
)
def test_fields_are_listed(here, arguments):
    names = run(here, *arguments).stdout.splitlines()

    assert {"evt.num", "ka.verb", "jevt.value"} <= set(names)


def test_fields_of_an_unknown_source_are_an_error(here):
    assert run(here, "--list=nope").error == "Value for --list must be a valid source type: syscall, k8s_audit"


def test_event_types_are_listed(here):
    assert "> openat(" in run(here, "list", "events").stdout or "< openat(" in run(here, "list", "events").stdout
    assert "Ignored syscall(s):" in run(here, "-i").stdout


def test_plugins_are_listed(here):
    assert run(here, "--list-plugins").stdout.startswith("1 Plugins Loaded:\n\nName: k8s_audit\n")
    assert "k8s_audit" in run(here, "plugin", "list").stdout
    assert "Init config schema type: JSON" in run(here, "plugin", "info", "json").stdout
    sentence = "can't find plugin and print its info:"
    assert run(here, "--plugin-info", "k8saud").error == f"{sentence} k8saud (did you mean 'k8s_audit'?)"
    assert run(here, "--plugin-info", "x").error == f"{sentence} x ('falco plugin list' shows what is installed)"


def test_versions_name_the_plugins_of_falco(here):
    document = json.loads(run(here, "--version", "-o", "json_output=true").stdout)

    assert document["engine_version_semver"] == "0.63.0"
    assert document["plugin_versions"]["k8saudit"] == "0.18.0"


def test_support_is_json(here):
    document = json.loads(run(here, "--support").stdout)

    assert document["cmdline"] == "falco -c falco.yaml --support"
    assert document["rules_files"] == [{"name": "rules.yaml", "variants": [{"content": RULE}]}]


def test_support_shows_the_configuration_that_counts_and_no_secrets(here):
    (here / "more.yaml").write_text("http_output: {url: https://e.test, user_agent: '${TOKEN}'}\n")
    with (here / "falco.yaml").open("a") as file:
        file.write("config_files: ['${PLACE}/more.yaml']\n")
    options = ("-o", "json_output=true", "-o", "rules_files[0]=rules.d")
    (here / "rules.d").mkdir()
    for name in ("b.yaml", "a.yml"):
        (here / "rules.d" / name).write_text(RULE)
    document = json.loads(run(here, *options, "--support", TOKEN="hidden", PLACE=str(here)).stdout)
    shown = json.loads(document["config"])

    assert shown["http_output"] == {"url": "https://e.test", "user_agent": "${TOKEN}"}
    assert (shown["json_output"], shown["engine"]) == ("true", {"kind": "nodriver"})
    assert [file["name"] for file in document["rules_files"]] == ["rules.d/a.yml", "rules.d/b.yaml"]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["scan", "--help"], ["list", "-h"]])
def test_help_goes_to_standard_output(here, arguments):
    result = falco(arguments, here)

    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: falco ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--nope"], "No such option"),
        (["-c"], "Option '-c' requires an argument."),
        (["-e", "x.scap"], "use -o engine.kind=replay -o engine.replay.capture_file=FILE"),
        (["scn"], "No such command 'scn'. Did you mean 'scan'?"),
        (["list"], "Missing command. Choose from: events, fields."),
        (["version"], "No such command 'version'. Did you mean '--version'?"),
        (["help"], "No such command 'help'. Did you mean '--help'?"),
        (["list", "rules"], "No such command 'rules'. Choose from: events, fields."),
        (["events.jsonl"], "To look at a file: falco scan events.jsonl"),
        (["-M", "x"], "'x' is not a valid integer"),
        (["--version", "--format", "xml"], "Invalid format 'xml'. Valid values are: text, markdown, json"),
        (["--list", "--markdown", "--format", "json"], "Cannot specify both --markdown and --format options together"),
        (["-c", "nope.yaml"], "Could not find configuration file at nope.yaml"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_exit_1(here, arguments, sentence):
    result = falco(arguments, here)

    assert result.code == 1
    assert sentence in result.error
    assert result.stdout == ""


def test_a_pidfile_is_gone_at_the_end(here):
    assert run(here, "-P", "pid").code == 0
    assert not (here / "pid").exists()


def test_a_pidfile_that_cannot_be_written_ends_with_255(here):
    result = run(here, "-P", "nodir/pid")

    assert (result.code, result.stdout) == (255, "")
    assert "Could not write pid to pidfile nodir/pid. Exiting." in result.stderr


def test_no_output_is_an_error(here):
    error = run(here, "-o", "stdout_output.enabled=false").error

    assert error.startswith("No output configured, please make sure at least one output is configured and enabled.")
    assert "-o stdout_output.enabled=true" in error


def test_the_first_run_says_where_to_send_events(here):
    result = falco(["--enable-source", "syscall", "-o", "log_level=warning"], here)

    assert result.code == 0
    assert "the packaged configuration is used" in result.stderr


def test_live_capture_says_what_to_set(here):
    result = run(here, "-o", "engine.kind=modern_ebpf")

    assert result.code == 1
    assert "engine.kind 'modern_ebpf' needs" in result.error
    assert "engine.kind: nodriver" in result.error


@pytest.mark.parametrize(
    ("options", "has_syslog", "is_said"),
    [
        (("log_stderr=false", "log_syslog=true"), False, True),
        (("log_stderr=false", "log_syslog=true"), True, False),
        (("log_stderr=true", "log_syslog=true"), False, False),
        (("log_stderr=false", "log_syslog=false"), False, False),
    ],
)
def test_a_log_that_goes_nowhere_is_said(here, monkeypatch, options, has_syslog, is_said):
    monkeypatch.setattr(log, "has_syslog", lambda: has_syslog)
    result = run(here, *(argument for option in options for argument in ("-o", option)))

    assert result.code == 0
    assert ("The log is lost: it goes to syslog alone" in result.stderr) == is_said


class TestSourcesThatRefuse:
    """Of a run with several event sources."""

    @pytest.fixture(autouse=True)
    def live(self, monkeypatch):
        """An engine that says only when it is opened, and late, that it cannot be had."""
        opened = SyscallSource.open

        def slow(self):
            time.sleep(0.5)
            opened(self)

        monkeypatch.setattr(running, "check_engine", lambda *_: None)
        monkeypatch.setattr(SyscallSource, "open", slow)

    def test_nothing_is_evaluated_before_all_are_open(self, here):
        result = run(here, "-o", "engine.kind=modern_ebpf")

        assert result.code == 1
        assert result.error.startswith("engine.kind 'modern_ebpf' needs live capture")
        assert "Events detected: 0\n" in result.stdout

    def test_each_is_named(self, here):
        (here / "events.jsonl").unlink()
        result = run(here, "-o", "engine.kind=modern_ebpf")

        assert result.code == 1
        assert "event source 'syscall': engine.kind 'modern_ebpf' needs live capture" in result.error
        assert re.search(r"event source 'k8s_audit': stat \S*events.jsonl: no such file or directory", result.error)

    def test_those_that_cannot_even_be_made_are_named_with_the_others(self, here):
        config = here / "falco.yaml"
        config.write_text(config.read_text().replace(str(here / "events.jsonl"), "ftp://somewhere"))
        result = run(here, "-o", "engine.kind=modern_ebpf")

        assert result.code == 1
        assert "event source 'syscall': engine.kind 'modern_ebpf' needs live capture" in result.error
        assert "event source 'k8s_audit': scheme \"ftp\" is not supported" in result.error


def test_metrics_need_an_interval_and_an_output(here):
    assert "minimum value of 100ms" in run(here, "-o", "metrics.enabled=true", "-o", "metrics.interval=5").error
    assert "no output configured" in run(here, "-o", "metrics.enabled=true", "-o", "metrics.interval=1h").error


def test_verbose_says_how_fast_it_was(here):
    assert "(k8s_audit) Elapsed time: " in run(here, "-v").stderr


def test_problems_of_the_configuration_are_warnings(here):
    (here / "falco.yaml").write_text((here / "falco.yaml").read_text() + "jsonoutput: true\n")
    result = run(here)

    assert result.code == 0
    assert "falco.yaml:8:1: unknown key 'jsonoutput' is ignored, did you mean 'json_output'?" in result.stderr


def test_surrogates_and_odd_names_survive(here):
    event = json.dumps(EVENT | {"user": {"username": "é\u2028"}}).encode()
    (here / "events.jsonl").write_bytes(event[:-1] + b', "x": "\xff"}\n')
    result = run(here)

    assert result.code == 0
    assert "Warning created by é" in result.stdout


@pytest.mark.parametrize(
    ("options", "is_said"),
    [
        ((), False),
        (("-o", "log_level=info"), True),
        (("-o", "log_level=debug"), True),
        (("-o", "log_level=info", "-o", "log_stderr=false"), False),
    ],
)
def test_log_lines_go_to_standard_error_from_a_severity_on(here, options, is_said):
    result = run(here, *options)

    assert (result.code, "schema validation: ok" in result.stderr) == (0, is_said)
    assert is_said or result.stderr == ""


def test_a_run_logs_what_runs_by_which_rules_over_what(here):
    said = run(here, "-o", "log_level=info").stderr

    assert ": Loading rules from:\n    rules.yaml\n" in said
    assert ": Enabled event sources: syscall, k8s_audit\n" in said
    assert ": Opening 'k8s_audit' source with plugin 'k8saudit'\n" in said


def test_log_lines_go_to_syslog(here, monkeypatch):
    syslog, sent = pytest.importorskip("syslog"), []
    monkeypatch.setattr(syslog, "syslog", lambda severity, line: sent.append((severity, line)))
    monkeypatch.setattr(log, "has_syslog", lambda: True)
    result = run(here, "-o", "log_syslog=true", "-o", "log_stderr=false", "-o", "log_level=info")

    assert (result.code, result.stderr) == (0, "")
    assert (syslog.LOG_INFO, "   falco.yaml | schema validation: ok") in sent


def test_log_lines_can_be_json(here):
    config = (here / "falco.yaml").read_text().replace("log_level: warning", "log_level: info")
    (here / "falco.yaml").write_text(config + "x-falco-py: {log_format: json, log_fromat: x}\n")
    said = [json.loads(line) for line in run(here).stderr.splitlines()]

    assert {"level", "message", "time"} == set(said[0])
    assert any("did you mean 'x-falco-py.log_format'" in line["message"] for line in said)


def test_a_wrong_log_format_is_an_error(here):
    (here / "falco.yaml").write_text((here / "falco.yaml").read_text() + "x-falco-py: {log_format: xml}\n")

    assert "Unknown log_format xml: text or json" in run(here).error
