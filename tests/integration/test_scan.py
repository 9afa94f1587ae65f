"""``falco scan``: what it is given, what it says, how it ends."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from recorded.command import falco

from falco_syscall.capture.builder import CaptureBuilder

RULES = """\
- rule: Deleted
  desc: Something was deleted.
  condition: ka.verb = delete
  output: "deleted by %ka.user.name"
  priority: WARNING
  source: k8s_audit
- rule: Created
  desc: Something was created.
  condition: ka.verb = create
  output: "created"
  priority: NOTICE
  source: k8s_audit
"""
SYSCALLS = """\
- rule: Any
  desc: Any event.
  condition: evt.num exists
  output: "seen"
  priority: ERROR
  source: syscall
"""


def event(verb="create", user="eve", namespace="shop"):
    return {
        "kind": "Event",
        "auditID": "a",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": user},
        "objectRef": {"resource": "pods", "namespace": namespace, "name": "web"},
        "stageTimestamp": "2024-01-02T03:04:05Z",
    }


@pytest.fixture
def here(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def scan(here, *arguments, **env):
    return falco(["scan", "-r", "rules.yaml", *arguments], here, env)


def write(here, name, *events):
    (here / name).write_text("".join(json.dumps(one) + "\n" for one in events))


def summary(result):
    return json.loads(result.stdout.splitlines()[-1])["summary"]


def events_list():
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event(), event("delete", "bob")]}


@pytest.mark.parametrize(
    "data",
    [
        (json.dumps(event()) + "\n" + json.dumps(event("delete", "bob")) + "\n").encode(),
        json.dumps(events_list()).encode(),
        json.dumps(events_list(), indent=2).encode(),
        gzip.compress(json.dumps(events_list(), indent=2).encode()),
        b"cut off\n" + (json.dumps(event()) + "\n" + json.dumps(event("delete", "bob")) + "\n").encode(),
    ],
    ids=["lines", "list", "pretty", "gzip", "first line damaged"],
)
def test_what_a_file_holds_is_seen_from_its_content(here, data):
    (here / "x.bin").write_bytes(data)
    result = scan(here, "--json", "--summary", "x.bin")

    assert result.code == 1
    assert {key: summary(result)[key] for key in ("events", "alerts", "user")} == {
        "events": 2,
        "alerts": 2,
        "user": {"eve": 1, "bob": 1},
    }


def test_alerts_are_followed_by_what_they_are_about(here):
    write(here, "a.log", event(), event("delete", "bob"), event("get"), event(namespace="\x1b[31mred"))

    assert scan(here, "a.log").stdout == (
        "03:04:05.000000000: Notice created\n"
        "03:04:05.000000000: Warning deleted by bob\n"
        "03:04:05.000000000: Notice created\n"
        "\n"
        "3 alerts in 4 events of 1 input\n"
        "  alerts  rule\n"
        "       2  Created\n"
        "       1  Deleted\n"
        "  alerts  priority\n"
        "       1  Warning\n"
        "       2  Notice\n"
        "  alerts  user\n"
        "       2  eve\n"
        "       1  bob\n"
        "  alerts  namespace\n"
        "       2  shop\n"
        "       1  \\u001b[31mred\n"
    )


def test_the_values_that_are_counted_are_not_in_the_alerts(here):
    write(here, "a.log", event())

    assert json.loads(scan(here, "--json", "a.log").stdout)["output_fields"].keys() == {"evt.time"}


def test_only_the_summary_is_printed_if_asked(here):
    write(here, "a.log", event())

    assert scan(here, "--summary", "a.log").stdout.startswith("1 alert in 1 event of 1 input\n  alerts  rule\n")


def test_files_and_directories_are_scanned_in_order(here):
    (here / "logs").mkdir()
    for age, name in enumerate(("new", "old")):
        write(here, f"logs/{name}", event("delete", name))
        os.utime(here / "logs" / name, (10**9 - age, 10**9 - age))
    write(here, "first", event("delete", "first"))
    (here / "logs" / "picture").write_bytes(b"\x89PNG")
    result = scan(here, "first", "logs")

    assert [line.rpartition(" ")[2] for line in result.stdout.splitlines()[:3]] == ["first", "old", "new"]
    assert "3 alerts in 3 events of 3 inputs" in result.stdout
    assert "passed over (--source says what they hold): logs/picture\n" in result.stderr


def test_nothing_found_is_0(here):
    write(here, "a.log", event("get"))
    result = scan(here, "a.log")

    assert (result.code, result.stdout) == (0, "0 alerts in 1 event of 1 input\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["audit.lgo"], "there is no file 'audit.lgo' (in {here} there is: audit.log)"),
        (["picture"], "'picture' is not recognised; if it holds events all the same, say with --source which: "),
        (["audit.log", "--source", "nope"], "no event source 'nope' can be opened"),
        (["audit.log", "--nope"], "No such option '--nope'"),
        ([], "Missing argument"),
        (["audit.log", "--min-priority", "high"], "'high' is not one of"),
        (["audit.log", "-r", "rules.yml"], "Could not open file rules.yml for reading (in {here} there is: rules.yaml"),
        (["capture"], "no rule is for the event source 'syscall' of 'capture': give a rules file with -r"),
    ],
)
def test_a_scan_that_cannot_be_done_is_2(here, arguments, sentence):
    write(here, "audit.log", event())
    (here / "picture").write_bytes(b"\x89PNG\r\n{\0")
    (here / "capture").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(60))
    result = scan(here, *arguments)

    assert (result.code, result.stdout) == (2, "")
    assert sentence.format(here=here) in result.error


def test_a_file_of_which_nothing_can_be_read_is_a_failed_scan(here):
    (here / "notes.txt").write_text("# notes\nno events\n", encoding="utf-8")

    result = scan(here, "--source", "k8s_audit", "notes.txt")

    assert result.code == 2
    assert "no event could be read from 'notes.txt'" in result.stderr


def test_one_input_that_fails_does_not_stop_the_others(here):
    write(here, "a.log", event())
    (here / "rules.yaml").write_text(RULES + SYSCALLS)
    (here / "bad.scap").write_bytes(b"\x0a\x0d\x0d\x0a")
    result = scan(here, "bad.scap", "a.log")

    assert result.code == 2
    assert "bad.scap" in result.error
    assert "1 alert in 1 event of 2 inputs" in result.stdout


def test_less_urgent_rules_can_be_left_out(here):
    write(here, "a.log", event(), event("delete", "bob"))

    assert summary(scan(here, "a.log", "--min-priority", "warning", "--json", "--summary"))["rule"] == {"Deleted": 1}


def test_a_scan_for_what_is_more_urgent_than_all_rules_says_so_and_finds_nothing(here):
    write(here, "a.log", event())
    result = scan(here, "a.log", "--min-priority", "alert")

    assert (result.code, result.error) == (0, None)
    assert result.stderr == "No rule for the event source 'k8s_audit' is as urgent as alert\n"
    assert "0 alerts in 1 event of 1 input" in result.stdout


def test_values_are_counted_up_to_a_number(here):
    write(here, "a.log", *(event(user=f"u{number}") for number in range(12)))

    assert scan(here, "a.log", "--summary").stdout.count("       1  u") == 10
    assert "       2  … and 2 more\n" in scan(here, "a.log", "--summary").stdout


def test_several_processes_sum_up_the_same(here):
    write(here, "a.log", *(event(user=f"u{number % 3}") for number in range(9000)))
    one, two = (scan(here, "a.log", "--jobs", jobs, "--summary") for jobs in ("1", "2"))

    assert one == two
    assert "9,000 alerts in 9,000 events" in one.stdout


@pytest.mark.parametrize("is_gzip", [False, True])
def test_captures_are_seen_from_their_content(here, oracle, is_gzip):
    data = gzip.decompress((oracle / "syscall/scapfmt/files/shb_one_event.scap").read_bytes())
    (here / "trace").write_bytes(gzip.compress(data) if is_gzip else data)
    write(here, "a.log", event())
    (here / "rules.yaml").write_text(RULES + SYSCALLS)
    found = summary(scan(here, "trace", "a.log", "--json", "--summary"))

    assert found["rule"]["Any"] >= 1
    assert found["rule"]["Created"] == 1
    assert {"user", "namespace", "process tree", "container"} <= set(found)


def test_bytes_in_a_pipe_have_no_colour_unless_forced(here):
    write(here, "a.log", event("delete"))

    assert scan(here, "a.log").stdout.startswith("03:04:05.000000000: Warning deleted")
    assert scan(here, "a.log", FORCE_COLOR="1").stdout.startswith("03:04:05.000000000: \x1b[33m\x1b[1mWarning\x1b[0m d")
    assert "\x1b" not in scan(here, "a.log", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b" not in scan(here, "--json", "a.log", FORCE_COLOR="1").stdout


@pytest.mark.parametrize("verb", ["run", "scan", "validate", "describe", "list fields", "plugin info"])
def test_help_of_every_verb_has_examples(here, verb):
    text = falco([*verb.split(), "--help"], here).stdout

    assert f"Examples:\n    falco {verb}" in text


def test_help_lists_the_verbs(here):
    commands, _, examples = falco(["--help"], here).stdout.partition("Commands:\n")[2].partition("\n\n")

    assert examples.startswith("  Examples:\n    falco ")
    assert {line.split()[0] for line in commands.splitlines()} == {
        "completion",
        "describe",
        "events",
        "list",
        "plugin",
        "run",
        "scan",
        "validate",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells_are_printed(here, shell):
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version, and there is none")
    result = falco(["completion", shell], here)

    assert result.code == 0
    assert f"_FALCO_COMPLETE={shell}_complete" in result.stdout


def test_examples_of_the_tree_can_be_scanned_as_they_lie(here):
    tree = Path(__file__).parents[2] / "examples"
    result = falco(["scan", "--summary", str(tree / "audit.jsonl")], here)

    assert result.stdout.startswith("7 alerts in 76 events of 1 input\n")


def test_alerts_on_system_calls_are_counted_by_rule_process_tree_container_and_user(here):
    capture = CaptureBuilder().user(0, "root").user(33, "www").process(1, "init", ptid=0, uid=0)
    capture.process(10, "nginx", ptid=1, uid=0, cgroups=["cpu=/docker/" + "a" * 64])
    capture.process(11, "sh", ptid=10, uid=0, cgroups=["cpu=/docker/" + "a" * 64])
    capture.process(20, "bash", ptid=1, uid=33)
    web = {"id": "a" * 12, "type": 0, "name": "web", "image": "nginx"}
    capture.event("container", -1, json=json.dumps({"container": web}))
    for tid in (10, 11, 11, 20):
        capture.event("close", tid, res=0, fd=3)
    capture.write(here / "c.scap")
    (here / "rules.yaml").write_text(SYSCALLS.replace("evt.num exists", "evt.type = close"))

    assert scan(here, "--summary", "c.scap").stdout == (
        "4 alerts in 5 events of 1 input\n"
        "  alerts  rule\n"
        "       4  Any\n"
        "  alerts  priority\n"
        "       4  Error\n"
        "  alerts  process tree\n"
        "       4  init\n"
        "       3    nginx\n"
        "       2      sh\n"
        "       1    bash\n"
        "  alerts  container\n"
        "       3  web\n"
        "       1  host\n"
        "  alerts  user\n"
        "       3  root\n"
        "       1  www\n"
    )
    tree = summary(scan(here, "--summary", "--json", "c.scap"))["process tree"]
    assert tree == [
        {
            "name": "init",
            "alerts": 4,
            "below": [
                {"name": "nginx", "alerts": 3, "below": [{"name": "sh", "alerts": 2}]},
                {"name": "bash", "alerts": 1},
            ],
        }
    ]
