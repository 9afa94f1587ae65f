"""Replays of captures from the command line: what ends them, and what is said at their end."""

from __future__ import annotations

from io import BytesIO

import pytest

from falco.cli.entry import main
from falco_syscall.capture.builder import START_NS, CaptureBuilder

RULES = """
- rule: Closed
  desc: d
  condition: evt.type = close
  output: closed %fd.num
  priority: INFO
"""
END = "Syscall event drop monitoring:\n   - event drop detected: {} occurrences\n   - num times actions taken: {}\n"


@pytest.fixture
def replay(tmp_path):
    """Replays eight events, 0.6 seconds apart, of which three are closed descriptors."""
    capture = CaptureBuilder().process(10, "sh")
    for number in range(8):
        name, params = ("close", {"res": 0, "fd": number}) if number in {1, 4, 7} else ("getuid", {})
        capture.event(name, 10, at_ns=START_NS + number * 600_000_000, **params)
    capture.write(tmp_path / "in.scap")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "falco.yaml").write_text("stdout_output: {enabled: true}\nlog_stderr: true\nlog_syslog: false\n")

    def run(*argv):
        given = ["-c", "falco.yaml", "-r", "rules.yaml", "-o", "engine.kind=replay", "-o", "log_level=debug"]
        given += ["-o", f"engine.replay.capture_file={tmp_path / 'in.scap'}", *argv]
        out, err = BytesIO(), BytesIO()
        code = main(given, stdout=out, stderr=err, env={"TZ": "UTC"}, cwd=tmp_path)
        return code, out.getvalue().decode(), err.getvalue().decode()

    return run


def simulating(*actions):
    options = ["-o", "syscall_event_drops.simulate_drops=true", "-o", "syscall_event_drops.max_burst=10"]
    for action in actions:
        options += ["-o", f"syscall_event_drops.actions[]={action}"]
    return options


def closed(stdout):
    return [line.split()[-1] for line in stdout.splitlines() if " closed " in line]


def test_a_replay_says_at_its_end_that_nothing_was_dropped(replay):
    code, stdout, stderr = replay()

    assert code == 0
    assert closed(stdout) == ["1", "4", "7"]
    assert stderr.endswith(END.format(0, 0))


def test_verbose_adds_the_counters_of_the_driver(replay):
    _, _, stderr = replay("-v")

    assert "Driver Events:8\nDriver Drops:0\n(syscall) Elapsed time: " in stderr


def test_simulated_drops_are_counted_each_second_of_the_capture_and_no_alert_changes(replay):
    code, stdout, stderr = replay(*simulating("ignore"))

    assert code == 0
    assert closed(stdout) == ["1", "4", "7"]
    assert stderr.endswith(END.format(3, 3))
    assert "system calls dropped" not in stderr + stdout


def test_simulated_drops_raise_alerts_in_the_order_of_the_events(replay):
    _, stdout, stderr = replay(*simulating("alert"), "-o", "json_output=true")

    lines = [line for line in stdout.splitlines() if line.startswith("{")]
    kinds = ["drop" if "Falco internal: syscall event drop" in line else "rule" for line in lines]
    assert kinds == ["rule", "drop", "drop", "rule", "drop", "rule"]
    assert '"n_drops":"1"' in lines[1]
    assert stderr.endswith(END.format(3, 3))


def test_simulated_drops_are_logged(replay):
    _, stdout, stderr = replay(*simulating("log"))

    assert stderr.count(" Falco internal: syscall event drop. 1 system calls dropped in last second.") == 3
    assert "internal" not in stdout


def test_a_simulated_drop_may_end_the_run(replay):
    code, stdout, stderr = replay(*simulating("exit"))

    assert code == 1
    assert closed(stdout) == ["1"]
    assert " Exiting." in stderr
    assert END.format(1, 1) in stderr


@pytest.mark.parametrize(("seconds", "expected"), [("1", ["1"]), ("3", ["1", "4"]), ("60", ["1", "4", "7"])])
def test_a_replay_ends_after_the_seconds_asked_for_in_the_time_of_its_events(replay, seconds, expected):
    code, stdout, _ = replay("-M", seconds)

    assert code == 0
    assert closed(stdout) == expected


@pytest.mark.parametrize("option", ["custom_set[]=!close", "custom_set[]=open", "repair=true", "all=true"])
def test_what_a_live_capture_would_select_hides_no_event_of_a_replay_and_the_key_is_spoken_of(replay, option):
    code, stdout, stderr = replay("-o", f"base_syscalls.{option}")

    assert code == 0
    assert closed(stdout) == ["1", "4", "7"]
    key = option.partition("=")[0].removesuffix("[]")
    assert f"base_syscalls.{key}" in stderr
    assert "a replay evaluates every event of its capture" in stderr


def test_calls_that_are_ignored_by_default_are_evaluated_in_a_replay(replay, tmp_path):
    capture = CaptureBuilder().process(10, "sh").event("read", 10, res=1, fd=3, data=b"x", size=1)
    capture.write(tmp_path / "in.scap")
    (tmp_path / "reads.yaml").write_text(RULES.replace("evt.type = close", "evt.type = read"))

    assert closed(replay("-r", "reads.yaml")[1]) == ["3"]
    assert "- read\n" in replay("-i")[1]


@pytest.mark.parametrize(
    "option",
    ["thread_table_auto_purging_interval_s=1", "thread_table_auto_purging_thread_timeout_s=1"],
)
def test_keys_of_the_process_table_that_change_nothing_are_spoken_of(replay, option):
    _, _, stderr = replay("-o", f"falco_libs.{option}")

    assert f"falco_libs.{option.partition('=')[0]} has no effect: " in stderr


def test_no_more_threads_are_remembered_than_the_table_may_hold_and_the_others_are_counted_once(replay, tmp_path):
    capture = CaptureBuilder().process(10, "sh")
    for tid in (11, 12, 13, 12, 13):
        capture.event("close", tid, res=0, fd=3)
    capture.write(tmp_path / "in.scap")

    assert "threads beyond the limit: 2\n" in replay("-o", "falco_libs.thread_table_size=2")[2]
    assert "threads beyond the limit" not in replay("-o", "falco_libs.thread_table_size=0")[2]


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        ((), "pread, preadv, pwrite, pwritev, read, readv, recv, send, sendfile, write, writev"),
        (("-o", "base_syscalls.all=true"), ""),
        (("-o", "base_syscalls.all=true", "-o", "base_syscalls.custom_set[]=!write"), "write"),
    ],
)
def test_rules_for_events_that_a_live_capture_would_not_deliver_have_a_warning(replay, tmp_path, options, left_out):
    (tmp_path / "all.yaml").write_text(RULES.replace("evt.type = close", "proc.name = sh"))

    code, _, stderr = replay("-r", "all.yaml", *options)

    (said,) = [line for line in stderr.splitlines() if "unsupported-evttype" in line] or [""]
    assert code == 0
    assert said.partition("(unsupported-evttype): ")[2].partition(";")[0] == left_out
