"""Recordings around alerts: what is in the file is what a reader of the whole capture sees from there on."""

from __future__ import annotations

import json
import shutil
import subprocess
from io import BytesIO

import pytest

from falco.cli.entry import main
from falco.testing import run_rules
from falco_syscall.capture import CaptureEvent, CaptureReader, MachineInfo
from falco_syscall.capture.builder import START_NS, CaptureBuilder
from falco_syscall.recording import Stop, path_of, stop

MS = 1_000_000
LOOK = """
- rule: look
  desc: d
  condition: evt.num >= 0
  output: >
    %evt.rawtime %evt.type %proc.name %proc.cmdline %proc.exepath %proc.cwd %proc.pname %proc.env %user.name %thread.cap_effective
    %container.id %fd.name %fd.type %fd.sip %fd.sport %fd.l4proto %evt.args
  priority: INFO
"""
RULES = """
- rule: Opened
  desc: d
  condition: evt.type = openat and fd.name = /etc/shadow
  output: opened
  priority: INFO
  capture: true
  capture_duration: %d
- rule: Closed
  desc: d
  condition: evt.type = close and fd.num = 99
  output: closed
  priority: INFO
"""


def story():
    """Events every 100 ms: something before, /etc/shadow at number 4, something after."""
    capture = (
        CaptureBuilder()
        .user(1000, "dana")
        .interface("eth0", "10.0.0.5")
        .process(1, "init", ptid=0)
        .process(9, "sh", args=["-i"], env=["A=1"], cwd="/home/dana", uid=1000, cap_effective=3)
        .process(10, "cat", exe="/bin/cat", ptid=9, cgroups=["cpu=/docker/" + "a" * 64])
        .file(10, 7, "/srv/log", flags="O_WRONLY")
    )
    steps = [
        ("openat", 9, {"fd": 4, "dirfd": "AT_FDCWD", "name": "notes", "flags": "O_RDWR"}),
        ("socket", 10, {"fd": 5, "domain": "AF_INET", "type": 1}),
        ("connect", 10, {"res": 0, "fd": 5, "tuple": ("10.0.0.5", 4000, "192.0.2.7", 443)}),
        ("openat", 10, {"fd": 3, "dirfd": "AT_FDCWD", "name": "/etc/shadow", "flags": "O_RDONLY"}),
        ("write", 10, {"res": 2, "fd": 5, "size": 2, "data": b"hi"}),
        ("write", 10, {"res": 2, "fd": 7, "size": 2, "data": b"hi"}),
        ("read", 9, {"res": 2, "fd": 4, "size": 2, "data": b"hi"}),
        ("close", 10, {"res": 0, "fd": 99}),
        ("close", 9, {"res": 0, "fd": 4}),
    ]
    for number, (name, tid, params) in enumerate(steps):
        capture.event(name, tid, at_ns=START_NS + number * 100 * MS, **params)
    return capture


@pytest.fixture
def record(tmp_path):
    """``record(capture, duration_ms, options)``: replays and gives the recordings, in order, and what was printed."""

    def run(capture, duration_ms, *options):
        capture.write(tmp_path / "in.scap")
        (tmp_path / "rules.yaml").write_text(RULES % duration_ms)
        (tmp_path / "falco.yaml").write_text("stdout_output: {enabled: true}\nlog_stderr: true\nlog_syslog: false\n")
        argv = ["-c", "falco.yaml", "-r", "rules.yaml", "-o", "engine.kind=replay", "-o", "json_output=true"]
        argv += ["-o", f"engine.replay.capture_file={tmp_path / 'in.scap'}"]
        for option in ("capture.enabled=true", f"capture.path_prefix={tmp_path}/rec", *options):
            argv += ["-o", option]
        out, err = BytesIO(), BytesIO()
        code = main(argv, stdout=out, stderr=err, env={}, cwd=tmp_path)
        assert code == 0, err.getvalue().decode()
        return sorted(tmp_path.glob("rec_*.scap")), out.getvalue().decode(), err.getvalue().decode()

    return run


def names(path):
    return [event.name for event in CaptureReader(BytesIO(path.read_bytes())).events()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((100, 200, 0, 0), Stop.NONE),
        ((200, 200, 0, 0), Stop.TIME_DEADLINE),
        ((100, 200, 1 << 20, 1), Stop.SIZE_LIMIT),
        ((100, 200, (1 << 20) - 1, 1), Stop.NONE),
        ((200, 200, 10 << 20, 1), Stop.TIME_DEADLINE),
    ],
)
def test_time_ends_a_recording_before_size_does(arguments, expected):
    assert stop(*arguments) is expected


def test_the_name_has_time_and_number_of_the_event():
    assert path_of("/x/p", 123, 456) == "/x/p_00000000000000000123_00000000000000000456.scap"


def test_a_recording_begins_with_the_alert_and_lasts_as_long_as_the_rule_says(record):
    (path,), _, _ = record(story(), 250)

    assert path.name == f"rec_{START_NS + 300 * MS:020d}_{4:020d}.scap"
    assert names(path) == ["openat", "write", "write"]


def test_without_a_duration_of_the_rule_the_default_counts(record):
    (path,), _, _ = record(story(), 0, "capture.default_duration=150")

    assert names(path) == ["openat", "write"]


def test_rules_that_do_not_ask_record_nothing_unless_all_do(record, tmp_path):
    paths, _, _ = record(story(), 50)
    assert [names(path) for path in paths] == [["openat"]]

    paths, _, _ = record(story(), 50, "capture.mode=all_rules", "capture.default_duration=5000")
    assert [names(path) for path in paths] == [["openat"], ["close", "close"]]


def test_a_further_alert_makes_a_recording_last_longer(record):
    (path,), _, _ = record(story(), 450, "capture.mode=all_rules", "capture.default_duration=5000")

    assert names(path) == ["openat", "write", "write", "read", "close", "close"]


def test_nothing_is_recorded_when_it_is_off(record):
    assert record(story(), 50, "capture.enabled=false")[0] == []


def test_a_replayed_recording_shows_what_the_whole_capture_shows_from_there_on(record, tmp_path):
    (path,), _, _ = record(story(), 60_000)

    whole = run_rules(LOOK, open_params=str(tmp_path / "in.scap"), source="syscall")
    part = run_rules(LOOK, open_params=str(path), source="syscall")
    assert [one.message for one in part] == [one.message for one in whole][3:]


CONTAINED = LOOK.replace("%container.id", "%container.id %container.name %container.image %container.label[app]")


def contained():
    """A story in a container that was told, with its users, before the event of the alert."""
    known = CaptureBuilder(machine=MachineInfo("db-7", cpus=8, memory_bytes=64 << 30, boot_time_ns=5 * 10**17))
    web = {
        "id": "a" * 12,
        "type": 0,
        "name": "web",
        "image": "nginx:1",
        "imagerepo": "nginx",
        "labels": {"app": "shop"},
    }
    web["Mounts"] = [{"Source": "/srv", "Destination": "/data", "Mode": "rw", "RW": True, "Propagation": "rprivate"}]
    known.process(10, "cat", exe="/bin/cat", uid=33, cgroups=["cpu=/docker/" + "a" * 64])
    known.event("container", -1, json=json.dumps({"container": web}))
    about = {"uid": 33, "gid": 33, "name": "www", "home": "/var/www", "shell": "/bin/false", "container_id": "a" * 12}
    known.event("useradded", -1, **about)
    known.event("groupadded", -1, gid=33, name="www", container_id="a" * 12)
    known.event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/etc/shadow", flags="O_RDONLY")
    known.event("read", 10, res=2, fd=3, size=2, data=b"hi")
    return known


def test_what_was_known_of_containers_users_and_the_machine_is_in_the_recording(record, tmp_path):
    (path,), _, _ = record(contained(), 60_000)

    whole = run_rules(CONTAINED, open_params=str(tmp_path / "in.scap"), source="syscall")
    part = run_rules(CONTAINED, open_params=str(path), source="syscall")
    assert [one.message for one in part] == [one.message for one in whole]
    assert " www " in part[0].message
    assert " web nginx:1 shop " in part[0].message
    items = list(CaptureReader(BytesIO(path.read_bytes())))
    (machine,) = [item for item in items if isinstance(item, MachineInfo)]
    assert (machine.hostname, machine.cpus, machine.boot_time_ns) == ("db-7", 8, 5 * 10**17)


def test_containers_that_were_told_before_are_no_events_of_the_recording(record):
    (path,), _, _ = record(contained(), 60_000)

    events = list(CaptureReader(BytesIO(path.read_bytes())).events())
    assert [event.name for event in events if not event.hidden] == ["openat", "read"]
    assert [event.name for event in events if event.hidden] == ["container", "useradded", "groupadded"]


def test_an_older_program_reads_a_recording(record):
    program = shutil.which("sysdig")
    if program is None:
        pytest.skip("sysdig is not installed: apt-get install sysdig")
    (path,), _, _ = record(contained(), 60_000)

    command = [program, "-r", str(path), "-p", "*%evt.type %proc.name %fd.name %container.id"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert run.stderr == ""
    assert run.stdout.splitlines()[0] == f"openat cat /etc/shadow {'a' * 12}"


def test_the_limit_of_size_ends_a_recording_and_is_said(record):
    capture = story()
    for _ in range(40):
        capture.event("write", 10, res=60_000, fd=7, size=60_000, data=bytes(60_000))
    (path,), printed, _ = record(capture, 60_000, "capture.max_file_size_mb=1")

    alerts = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    (said,) = [alert for alert in alerts if alert["source"] == "internal"]
    assert said["rule"] == "Falco internal: capture size limit reached"
    assert said["priority"] == "Informational"
    assert said["output_fields"]["written_bytes"] == path.stat().st_size
    assert 1 << 20 <= path.stat().st_size < (1 << 20) + 70_000
    assert isinstance(next(CaptureReader(BytesIO(path.read_bytes())).events()), CaptureEvent)


def test_a_file_that_cannot_be_written_is_reported_and_the_run_goes_on(record, tmp_path):
    paths, printed, errors = record(story(), 50, f"capture.path_prefix={tmp_path}/no/such/folder/rec")

    assert paths == []
    assert '"rule":"Opened"' in printed
    assert "no/such/folder" in errors
