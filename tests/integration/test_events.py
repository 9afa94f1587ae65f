"""``falco events``: events of captures and of audit logs, chosen and shown in the language of rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO

import pytest

from falco.cli.entry import main
from falco_syscall.capture.builder import CaptureBuilder

AUDIT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/pods",
    "verb": "create",
    "user": {"username": "eve"},
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "p"},
    "stageTimestamp": "2026-03-09T09:00:36.753000Z",
}


@dataclass
class Ran:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def falco(tmp_path):
    """A capture ``c.scap`` and an audit log ``a.jsonl``, and the command line beside them."""
    capture = CaptureBuilder().process(10, "sh", exe="/bin/sh").process(20, "cat", exe="/bin/cat")
    capture.event("openat", 20, fd=3, dirfd="AT_FDCWD", name="/etc/shadow", flags="O_RDONLY")
    capture.event("close", 20, res=0, fd=3)
    capture.event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/tmp/a b", flags="O_WRONLY")
    capture.write(tmp_path / "c.scap")
    log = [AUDIT, AUDIT | {"verb": "get", "user": {"username": "dana"}}, AUDIT]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))

    def run(*argv, stdout=None):
        out, err = stdout or BytesIO(), BytesIO()
        code = main(["events", *argv], stdout=out, stderr=err, env={"TZ": "UTC"}, cwd=tmp_path)
        return Ran(code, "" if stdout else out.getvalue().decode(), err.getvalue().decode())

    return run


def test_every_event_of_a_capture_is_a_line(falco):
    ran = falco("c.scap")

    assert (ran.code, ran.stderr) == (0, "")
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["1", "2", "3"]
    assert "cat (20) openat fd=3(<f>/etc/shadow)" in ran.stdout


def test_a_condition_chooses_events(falco):
    ran = falco("c.scap", "evt.type = openat and evt.is_open_write = true")

    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["3"]


def test_the_words_of_a_condition_need_no_quotes_around_them(falco):
    assert falco("c.scap", "proc.name", "=", "cat").stdout == falco("c.scap", "proc.name = cat").stdout != ""


def test_fields_say_what_is_printed(falco):
    assert falco("c.scap", "--fields", "%proc.name: %fd.name", "evt.type=openat").stdout == (
        "cat: /etc/shadow\nsh: /tmp/a b\n"
    )


def test_json_has_the_values_of_the_fields(falco):
    ran = falco("c.scap", "--json", "--fields", "%fd.num %fd.name", "evt.type=close")

    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"evt.time": 1_700_000_000_000_001_000, "fd.num": 3, "fd.name": "/etc/shadow"}
    ]


def test_stats_count_types_and_processes(falco):
    assert falco("c.scap", "--stats").stdout == (
        "3 of 3 events\nevt.type:\n   openat: 2\n   close: 1\nproc.name:\n   cat: 2\n   sh: 1\n"
    )


def test_stats_count_what_fields_say_as_json_too(falco):
    ran = falco("a.jsonl", "--stats", "--json", "--fields", "%ka.user.name", "ka.verb = create")

    assert json.loads(ran.stdout) == {"events": 3, "matching": 2, "values": {"ka.user.name": {"eve": 2}}}


def test_audit_events_are_asked_in_the_same_language(falco):
    ran = falco("a.jsonl", "ka.user.name = dana", "--fields", "%evt.num %ka.verb")

    assert (ran.code, ran.stdout) == (0, "2 get\n")


def test_audit_events_have_a_usual_line(falco):
    lines = falco("a.jsonl").stdout.splitlines()

    assert len(lines) == 3
    assert lines[0].startswith("1 09:00:36.753000000 ")
    assert "eve" in lines[0]


def test_what_to_count_of_audit_events_must_be_said(falco):
    ran = falco("a.jsonl", "--stats")

    assert ran.code == 1
    assert "--fields" in ran.stderr


def test_a_wrong_condition_is_shown_with_a_caret(falco):
    ran = falco("c.scap", "evt.type = close and proc.nme = a")

    assert (ran.code, ran.stdout) == (1, "")
    assert "condition:1:22: error[LOAD_ERR_COMPILE_CONDITION]" in ran.stderr
    assert "\n      |                      ^^^^^^^^\n" in ran.stderr
    assert "did you mean 'proc.name'" in ran.stderr


def test_fields_without_a_percent_sign_are_no_fields(falco):
    ran = falco("c.scap", "--fields", "evt.num,proc.name")

    assert (ran.code, ran.stdout) == (1, "")
    assert "did you mean '%evt.num %proc.name'?" in ran.stderr


def test_wrong_fields_are_shown_with_a_caret(falco):
    ran = falco("c.scap", "--fields", "%evt.num %fd.nme")

    assert (ran.code, ran.stdout) == (1, "")
    assert "fields:1:10: error[LOAD_ERR_COMPILE_OUTPUT]" in ran.stderr


def test_what_is_whole_of_a_damaged_capture_is_printed_before_the_error(falco, tmp_path):
    whole = CaptureBuilder().process(10, "sh").event("close", 10, res=0, fd=3).event("close", 10, res=0, fd=4)
    (tmp_path / "cut.scap").write_bytes(whole.to_bytes()[:-8])
    ran = falco("cut.scap", "--fields", "%evt.num")

    assert (ran.code, ran.stdout) == (1, "1\n")
    assert "cut.scap" in ran.stderr


class Gone(BytesIO):
    """A pipe that nobody reads any more."""

    def write(self, _data):
        raise BrokenPipeError


def test_it_stops_quietly_when_nobody_reads(falco, tmp_path):
    capture = CaptureBuilder().process(10, "sh")
    for _ in range(5000):
        capture.event("close", 10, res=0, fd=3)
    capture.write(tmp_path / "long.scap")
    ran = falco("long.scap", stdout=Gone())

    assert (ran.code, ran.stderr) == (1, "")


def test_a_file_that_is_not_there_is_an_error(falco):
    ran = falco("nothing.scap")

    assert ran.code == 1
    assert "there is no file 'nothing.scap'" in ran.stderr
