"""The installed command as a process: signals, pipes, full disks."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

FALCO = Path(sys.executable).with_name("falco")
RULE = """\
- rule: Seen
  desc: Any event.
  condition: evt.num exists
  output: "seen %ka.auditid"
  priority: WARNING
  source: k8s_audit
"""
CONFIG = """\
plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: "%s"}]
rules_files: [rules.yaml]
engine: {kind: nodriver}
stdout_output: {enabled: true}
file_output: {enabled: true, keep_alive: true, filename: alerts.txt}
log_stderr: true
log_syslog: false
"""
DEADLINE_S = 60


def event(number):
    return {
        "kind": "Event",
        "auditID": f"a{number}",
        "stage": "ResponseComplete",
        "verb": "get",
        "stageTimestamp": "2024-01-02T03:04:05Z",
    }


def until(condition, what):
    """Wait for *condition*; the deadline is for a test that would hang otherwise."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.05)


class Running:
    """A process that reads what is appended to ``audit.log``."""

    def __init__(self, folder, sections=""):
        (folder / "rules.yaml").write_text(RULE)
        self.log = folder / "audit.log"
        self.log.write_text("")
        (folder / "falco.yaml").write_text(CONFIG % f"file://{self.log}" + sections)
        self.folder = folder
        self.process = subprocess.Popen(
            [FALCO, "-c", "falco.yaml", "--enable-source", "k8s_audit", "-P", "pid"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "TZ": "UTC"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines, self.said = [], []
        self.readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.said))
        ]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.decode().rstrip("\n"))

    def append(self, *numbers):
        with self.log.open("a") as log:
            log.writelines(json.dumps(event(number)) + "\n" for number in numbers)

    def is_seen(self, number):
        return any(line.endswith(f"seen a{number}") for line in self.lines)

    def start(self):
        """Append events until the first is seen: only then does the tail stand at the end of the file."""
        numbers = iter(range(10**6))

        def seen():
            assert self.process.poll() is None, "\n".join(self.said)
            self.append(f"start{next(numbers)}")
            return any("seen astart" in line for line in self.lines)

        until(seen, "the first alert")

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        for reader in self.readers:
            reader.join(DEADLINE_S)
        return code


@pytest.fixture
def running(tmp_path, request):
    process = Running(tmp_path, getattr(request, "param", ""))
    yield process
    if process.process.poll() is None:
        process.process.kill()
        process.process.wait()
    process.process.stdout.close()
    process.process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_everything_is_delivered(running, number):
    running.start()
    running.append(*range(100))
    until(lambda: running.is_seen(99), "the last alert")
    assert (running.folder / "pid").read_text() == str(running.process.pid)

    assert running.end(number) == 0
    assert any(line.endswith(f"{number.name} received, exiting...") for line in running.said)
    assert running.lines[-1].startswith("   Seen: ")
    assert not (running.folder / "pid").exists()


STUCK = """\
program_output: {enabled: true, program: "echo $$ > child; cat > /dev/null; exec sleep 3600"}
x-falco-py: {program_output: {timeout_s: 3600}}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("running", [STUCK], indirect=True)
def test_a_signal_ends_the_run_although_a_channel_is_stuck(running):
    running.start()
    running.append(*range(10))
    until(lambda: running.is_seen(9), "the last alert")
    child = running.folder / "child"
    until(lambda: child.exists() and child.read_text().strip(), "the program")

    assert running.end(signal.SIGTERM) == 0  # waits for less than the program takes
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)

    alerts = [line for line in running.lines if " seen a" in line]
    total = len(alerts)
    assert running.lines[-1] == f"   Seen: {total}"
    assert (running.folder / "alerts.txt").read_text().splitlines() == alerts
    said = "output channels still blocked, discarding all remaining notifications: program "
    assert any(said in line for line in running.said)
    assert f"   program: alerts dropped: {total}" in running.said


STUBBORN = """\
program_output:
  enabled: true
  keep_alive: %s
  program: "trap '' TERM INT; echo $$ > child; cat > /dev/null; sleep 3600"
x-falco-py: {program_output: {timeout_s: 3600}}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
class TestTheEndOfAProgram:
    """Which ignores SIGTERM."""

    @pytest.mark.parametrize("running", [STUBBORN % "false", STUBBORN % "true"], indirect=True, ids=["one", "lasting"])
    def test_a_signal_twice_leaves_no_program_and_loses_no_alert_elsewhere(self, running):
        running.start()
        running.append(*range(10))
        until(lambda: running.is_seen(9), "the last alert")
        child = running.folder / "child"
        until(lambda: child.exists() and child.read_text().strip(), "the program")
        running.process.send_signal(signal.SIGTERM)
        until(lambda: any("received, exiting..." in line for line in running.said), "the first signal")

        assert running.end(signal.SIGINT) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(int(child.read_text()), 0)
        assert any("was busy when the run ended and was killed" in line for line in running.said)
        alerts = [line for line in running.lines if " seen a" in line]
        assert running.lines[-1] == f"   Seen: {len(alerts)}"
        assert (running.folder / "alerts.txt").read_text().splitlines() == alerts

    @pytest.mark.parametrize("command", ["run", "scan"])
    @pytest.mark.parametrize("keep_alive", ["false", "true"])
    def test_a_signal_while_only_the_program_is_waited_for_ends_that(self, scan, tmp_path, command, keep_alive):
        (tmp_path / "falco.yaml").write_text(CONFIG % "audit.log" + STUBBORN % keep_alive)
        arguments = ("scan", "audit.log") if command == "scan" else ("--enable-source", "k8s_audit")
        process = scan("-c", "falco.yaml", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child, alerts = tmp_path / "child", tmp_path / "alerts.txt"
        until(lambda: child.exists() and child.read_text().strip(), "the program")
        until(lambda: alerts.exists() and alerts.read_text().count("\n") == 5000, "the other channel")
        time.sleep(0.5)  # so that standard output is done with, too
        process.send_signal(signal.SIGINT)
        printed, said = (stream.decode() for stream in process.communicate(timeout=DEADLINE_S))

        assert process.returncode == (2 if (command, keep_alive) == ("scan", "false") else command == "scan")
        with pytest.raises(ProcessLookupError):
            os.kill(int(child.read_text()), 0)
        assert "was busy when the run ended and was killed" in said
        assert ("program: alerts dropped: 5000\n" in said) == (keep_alive == "false")
        assert printed.count(" seen a") == 5000


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_sigusr1_makes_the_alert_file_anew(running):
    running.start()
    alerts = running.folder / "alerts.txt"
    alerts.rename(running.folder / "old.txt")
    running.process.send_signal(signal.SIGUSR1)
    until(alerts_are_made_anew(running, alerts), "the new file")

    assert running.end(signal.SIGTERM) == 0
    assert any("SIGUSR1 received, reopening outputs..." in line for line in running.said)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_a_folder_that_vanishes_before_sigusr1_costs_what_is_said_until_it_is_back(running):
    config = running.folder / "falco.yaml"
    (running.folder / "out").mkdir()
    config.write_text(config.read_text().replace("alerts.txt", "out/alerts.txt"))
    running.start()
    until((running.folder / "out/alerts.txt").exists, "the file")
    shutil.rmtree(running.folder / "out")
    running.process.send_signal(signal.SIGUSR1)
    sentence = "file: failed to open output file out/alerts.txt: No such file or directory"
    numbers = iter(range(10**6))

    def is_said():
        running.append(f"lost{next(numbers)}")
        return any(sentence in line for line in running.said)

    until(is_said, sentence)
    (running.folder / "out").mkdir()
    alerts = running.folder / "out/alerts.txt"
    until(alerts_are_made_anew(running, alerts), "the new file")

    assert running.end(signal.SIGTERM) == 0
    written = alerts.read_text().splitlines()
    assert [line for line in running.lines if " seen a" in line][-len(written) :] == written
    assert any(line.startswith("   file: alerts lost: ") for line in running.said)


def alerts_are_made_anew(running, alerts):
    numbers = iter(range(10**6))

    def made():
        running.append(f"new{next(numbers)}")
        return alerts.exists()

    return made


OTHER = RULE.replace("seen %ka", "other %ka")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
class TestReload:
    def test_changed_rules_are_taken_over_without_losing_an_event(self, running):
        running.start()
        (running.folder / "rules.yaml").write_text(OTHER)
        until(events_reach(running, "other a"), "an alert of the new rules")
        running.append("last")
        until(lambda: any(line.endswith("other alast") for line in running.lines), "the last alert")

        assert running.end(signal.SIGTERM) == 0
        numbers = [line.rpartition(" a")[2] for line in running.lines if " seen a" in line or " other a" in line]
        appended = [json.loads(line)["auditID"][1:] for line in running.log.read_text().splitlines()]
        assert numbers == appended[appended.index(numbers[0]) :]
        assert running.lines[-1] == f"   Seen: {len(numbers)}"

    def test_broken_rules_leave_the_old_ones_and_raise_an_alert(self, running):
        running.start()
        (running.folder / "rules.yaml").write_text("- rule: Broken\n")
        running.process.send_signal(signal.SIGHUP)
        until(
            lambda: any("hot restart failure" in line or "Critical rules.yaml" in line for line in running.lines), "it"
        )
        running.append("after")
        until(lambda: running.is_seen("after"), "an alert of the old rules")

        assert running.end(signal.SIGTERM) == 0
        assert any("reload failed, the run goes on as it was: rules.yaml: Invalid" in line for line in running.said)

    def test_another_configuration_starts_everything_anew(self, running):
        running.start()
        config = running.folder / "falco.yaml"
        config.write_text(config.read_text() + "json_output: true\n")
        running.process.send_signal(signal.SIGHUP)
        until(events_reach(running, '"rule":"Seen"'), "an alert as JSON")

        assert running.end(signal.SIGTERM) == 0
        assert sum(line.startswith("Events detected: ") for line in running.lines) == 2
        assert any("SIGHUP received, restarting..." in line for line in running.said)


def events_reach(running, what):
    """Append events until *what* stands in a line of standard output."""
    numbers = iter(range(10**6))

    def reached():
        running.append(f"x{next(numbers)}")
        return any(what in line for line in running.lines)

    return reached


@pytest.fixture
def scan(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULE)
    (tmp_path / "audit.log").write_text("".join(json.dumps(event(number)) + "\n" for number in range(5000)))

    def run(*arguments, **options):
        return subprocess.Popen(
            [FALCO, *arguments], cwd=tmp_path, env={"PATH": os.environ["PATH"], "TZ": "UTC"}, **options
        )

    return run


def test_a_reader_that_goes_away_ends_the_scan_quietly(scan):
    process = scan("scan", "audit.log", "-r", "rules.yaml", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()

    assert (process.wait(DEADLINE_S), said) == (1, "")


def test_a_reader_that_goes_away_costs_the_other_channels_of_a_run_no_alert(scan, tmp_path):
    (tmp_path / "falco.yaml").write_text(CONFIG % "audit.log")
    process = scan("-c", "falco.yaml", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(DEADLINE_S) == 1
    assert "stdout: cannot write to standard output: nobody reads it any more (" in said
    assert re.search(r"^   stdout: alerts lost: \d+$", said, re.MULTILINE)
    assert len((tmp_path / "alerts.txt").read_text().splitlines()) == 5000


def test_a_closed_standard_output_costs_the_other_channels_of_a_run_no_alert(scan, tmp_path):
    (tmp_path / "falco.yaml").write_text(CONFIG % "audit.log")
    ran = subprocess.run(
        ["/bin/sh", "-c", f"exec {FALCO} -c falco.yaml >&-"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 1
    assert "   stdout: alerts lost: 5000\nError: cannot write to standard output: Bad file descriptor\n" in ran.stderr
    assert len((tmp_path / "alerts.txt").read_text().splitlines()) == 5000


def test_a_pidfile_that_was_left_behind_is_taken_over(scan, tmp_path):
    (tmp_path / "falco.yaml").write_text(CONFIG % "audit.log")
    (tmp_path / "pid").write_text("99999999")
    process = scan("-c", "falco.yaml", "-P", "pid", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    assert process.wait(DEADLINE_S) == 0
    assert not (tmp_path / "pid").exists()


def test_a_reader_that_goes_away_costs_the_other_channels_of_a_scan_no_alert(scan, tmp_path):
    (tmp_path / "falco.yaml").write_text(CONFIG % "audit.log")
    process = scan("-c", "falco.yaml", "scan", "audit.log", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(DEADLINE_S) == 1
    assert len((tmp_path / "alerts.txt").read_text().splitlines()) == 5000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("code", "arguments"),
    [(1, ("--version",)), (2, ("scan", "--help")), (2, ("scan", "audit.log", "-r", "rules.yaml"))],
)
def test_a_full_disk_is_said_once_and_fails(scan, code, arguments):
    with Path("/dev/full").open("wb") as full:
        process = scan(*arguments, stdout=full, stderr=subprocess.PIPE)
        said = process.stderr.read().decode()
        process.stderr.close()

    assert process.wait(DEADLINE_S) == code
    assert "No space left on device" in said
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_for_errors_costs_no_alert_and_no_statistics(scan, tmp_path):
    (tmp_path / "falco.yaml").write_text((CONFIG % "audit.log") + "log_level: debug\n")
    (tmp_path / "audit.log").write_text(f"not JSON\n{json.dumps(event(1))}\n")
    with Path("/dev/full").open("wb") as full:
        process = scan("-c", "falco.yaml", stdout=subprocess.PIPE, stderr=full)
        printed = process.stdout.read().decode()
        process.stdout.close()

    assert process.wait(DEADLINE_S) == 0
    assert printed.splitlines()[1] == "Events detected: 1"


@pytest.mark.parametrize(("code", "arguments"), [(1, "--version"), (2, "scan audit.log -r rules.yaml")])
def test_a_closed_standard_output_is_said_and_fails(tmp_path, scan, code, arguments):
    ran = subprocess.run(
        ["/bin/sh", "-c", f"exec {FALCO} {arguments} >&-"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.returncode == code
    assert ran.stderr.endswith("Error: cannot write to standard output: Bad file descriptor\n")
    assert "Traceback" not in ran.stderr


def test_a_closed_standard_error_changes_nothing_else(tmp_path, scan):
    ran = subprocess.run(
        ["/bin/sh", "-c", f"exec {FALCO} scan audit.log -r rules.yaml 2>&-"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 1
    assert b"5,000 alerts in 5,000 events of 1 input\n" in ran.stdout


def test_events_may_come_from_standard_input(scan, tmp_path):
    with (tmp_path / "audit.log").open("rb") as events:
        process = scan("scan", "-", "-r", "rules.yaml", stdin=events, stdout=subprocess.PIPE)
        printed = process.stdout.read().decode()
        process.stdout.close()

    assert process.wait(DEADLINE_S) == 1
    assert "5,000 alerts in 5,000 events of 1 input\n" in printed
