"""``falco scan`` reads pipes as it reads files: plain and gzipped, audit events and captures."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from falco_syscall.capture.builder import CaptureBuilder

RULES = """\
- rule: Deleted
  desc: Something was deleted.
  condition: ka.verb = delete
  output: deleted by %ka.user.name
  priority: WARNING
  source: k8s_audit
- rule: Call
  desc: Any system call.
  condition: evt.num exists
  output: call %evt.type
  priority: NOTICE
  source: syscall
  warn_evttypes: false
"""
EVENT = {
    "kind": "Event",
    "auditID": "a",
    "stage": "ResponseComplete",
    "verb": "delete",
    "user": {"username": "eve"},
    "stageTimestamp": "2024-01-02T03:04:05Z",
}
LINE = json.dumps(EVENT).encode() + b"\n"
PRETTY = json.dumps(EVENT, indent=2).encode() + b"\n"
LIST = json.dumps({"kind": "EventList", "items": [EVENT]}).encode()


def small_capture():
    return CaptureBuilder().process(10, "sh").event("open", 10, fd=4, name="/a", flags="O_RDONLY", mode=0).to_bytes()


@pytest.fixture
def here(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def scan(here, *arguments, **streams):
    command = [sys.executable, "-m", "falco", "scan", "-r", "rules.yaml", *arguments]
    return subprocess.run(command, cwd=here, capture_output=True, timeout=100, check=False, **streams)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("data", [LINE, b"\n" + LINE, PRETTY, LIST], ids=["line", "blank first", "pretty", "list"])
def test_audit_events_come_through_standard_input(here, data, pack):
    ran = scan(here, "-", input=pack(data))

    assert (ran.returncode, ran.stderr) == (1, b"")
    assert ran.stdout.count(b"deleted by eve") == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_captures_come_through_standard_input(here, pack):
    ran = scan(here, "-", input=pack(small_capture()))

    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b"Notice call open" in ran.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", ["events", "capture"])
def test_named_pipes_are_read_like_files(here, kind, pack):
    os.mkfifo(here / "pipe")
    data = pack(LINE if kind == "events" else small_capture())
    thread = threading.Thread(target=(here / "pipe").write_bytes, args=(data,))
    thread.start()
    ran = scan(here, "pipe")
    thread.join()

    assert (ran.returncode, ran.stderr) == (1, b"")
    assert (b"deleted by eve" if kind == "events" else b"Notice call open") in ran.stdout


def test_more_processes_than_one_read_a_pipe_as_well(here):
    ran = scan(here, "--jobs", "2", "-", input=LINE * 50)

    assert (ran.returncode, ran.stderr) == (1, b"")
    assert ran.stdout.count(b"deleted by eve") == 50


def test_a_pipe_that_ends_in_the_middle_is_said(here):
    ran = scan(here, "-", input=gzip.compress(LINE * 9)[:-5])

    assert ran.stdout.count(b"deleted by eve") == 9
    assert b"standard input: cannot be read to its end" in ran.stderr


def test_an_empty_pipe_holds_nothing(here):
    assert scan(here, "-", input=b"").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_signal_ends_a_scan_whose_pipe_says_no_more(here):
    command = [sys.executable, "-m", "falco", "scan", "-r", "rules.yaml", "-"]
    process = subprocess.Popen(
        command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    process.stdin.write(LINE)
    assert b"deleted by eve" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.wait(100)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()

    assert (process.returncode, said) == (2, b"Error: SIGINT ended the scan before its end\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_standard_input_is_said(here):
    command = ["sh", "-c", 'exec "$0" -m falco scan -r rules.yaml - <&-', sys.executable]
    ran = subprocess.run(command, cwd=here, capture_output=True, timeout=100, check=False)

    assert (ran.returncode, ran.stderr) == (2, b"Error: standard input is closed\n")


def test_what_nobody_recognises_is_said(here):
    ran = scan(here, "-", input=b"\0\1\2\3 nothing that is known")

    assert ran.returncode == 2
    assert b"Error: standard input is not recognised; if it holds events all the same, say with --source" in ran.stderr


def test_events_looks_into_pipes(here):
    command = [sys.executable, "-m", "falco", "events", "-", "evt.type = open", "--fields", "%evt.type"]
    ran = subprocess.run(command, cwd=here, capture_output=True, timeout=100, check=False, input=small_capture())

    assert b"open" in ran.stdout.split()
