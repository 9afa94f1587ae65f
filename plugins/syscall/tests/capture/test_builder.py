from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture import CaptureEvent, CaptureReader, FdInfo, FdList, FdType, ProcessList, UserList
from falco_syscall.capture.builder import START_NS, CaptureBuilder, event_named
from falco_syscall.capture.conversion import Converter, Origin
from falco_syscall.capture.event_table import EVENTS, SIZES
from falco_syscall.capture.metadata import InterfaceList
from falco_syscall.capture.old_schema import FIRST_NEW_CODE, as_old, old_form

EXITS = [e for e in EVENTS if not e.is_enter and not e.is_old and not e.is_unused]


def test_a_name_means_the_exit_event_and_a_constant_any():
    assert event_named("open").constant == "SYSCALL_OPEN_X"
    assert event_named("execve").constant == "SYSCALL_EXECVE_19_X"
    assert event_named("container").constant == "CONTAINER_JSON_2_E"
    assert event_named("SYSCALL_OPEN_E").is_enter
    with pytest.raises(KeyError, match="no event 'opne'"):
        event_named("opne")


def test_events_have_the_values_given_and_defaults():
    reader = CaptureBuilder().event("open", 10, fd=3, name="/x").event("close", 11, on_cpu=2, at_ns=5).reader()
    first, second = reader.events()

    assert (first.num, first.tid, first.cpu, first.time_ns) == (1, 10, 0, START_NS)
    assert first.params == [b"\3" + bytes(7), b"/x\0", bytes(4), bytes(4), bytes(4), bytes(8)]
    assert (second.num, second.tid, second.cpu, second.time_ns) == (2, 11, 2, 5)


def test_a_misspelt_parameter_is_told():
    with pytest.raises(KeyError, match="SYSCALL_OPEN_X has no parameter 'path': it has fd, name, flags"):
        CaptureBuilder().event("open", 10, path="/x")


def test_events_that_describe_a_process_know_what_was_said_of_it():
    builder = CaptureBuilder().process(10, "bash", exe="/bin/bash", args=["-i"], cwd="/home", uid=7)
    (event,) = builder.event("execve", 10, exe="/bin/cat", comm="cat").reader().events()

    assert event.param("exe") == b"/bin/cat\0"
    assert event.param("comm") == b"cat\0"
    assert event.param("trusted_exepath") == b"/bin/cat\0"
    assert event.param("filename") == b"/bin/cat\0"
    assert event.param("args") == b"-i\0"
    assert event.param("cwd") == b"/home\0"
    assert event.param("uid") == b"\7\0\0\0"
    assert event.param("tid") == b"\x0a" + bytes(7)


def test_metadata_is_what_was_said():
    reader = (
        CaptureBuilder()
        .event("close", 10)
        .process(10, "sh", pid=9, env=["A=1"], cgroups=["cpu=/x"])
        .file(10, 0, "/dev/null", flags="O_RDWR|O_CLOEXEC", ino=5, dev=6)
        .socket(10, 1, ("192.0.2.1", 1), ("192.0.2.2", 2))
        .socket(10, 2, ("::1", 80))
        .fd(10, FdInfo(fd=3, type=FdType.FIFO, name="pipe:[1]"))
        .user(7, "ann", gid=8, home="/home/ann", shell="/bin/sh")
        .group(8, "staff")
        .interface("eth0", "192.0.2.1")
        .reader()
    )
    items = {type(item): item for item in reader}
    processes, fds, users = items[ProcessList], items[FdList], items[UserList]
    interfaces = items[InterfaceList]

    assert isinstance(processes, ProcessList)
    assert isinstance(fds, FdList)
    assert isinstance(users, UserList)
    assert isinstance(interfaces, InterfaceList)
    assert (processes.processes[0].pid, processes.processes[0].vpid, processes.processes[0].env) == (9, 9, b"A=1\0")
    assert fds.tid == 10
    assert [f.type.name for f in fds.fds] == ["FILE_V2", "IPV4_SOCKET", "IPV6_SERVER_SOCKET", "FIFO"]
    assert fds.fds[0].open_flags == 0x1003
    assert (users.users[0].name, users.groups[0].name) == ("ann", "staff")
    assert interfaces.interfaces[0].broadcast == bytes([192, 0, 2, 255])


@given(st.sampled_from(EXITS), st.data())
def test_an_old_form_becomes_the_current_event(info, data):
    params = [
        data.draw(
            st.binary(max_size=20) if (size := SIZES[p.type]) is None else st.binary(min_size=size, max_size=size)
        )
        for p in info.params
    ]
    converter = Converter()
    converted = [converter.convert(code, 5, values) for code, values in as_old(info.code, params)]
    form = old_form(info.code)

    assert converter.lost_enters == converter.wrong_enters == 0
    for stored, old_params in as_old(info.code, params):
        for param, raw in zip(EVENTS[stored].params, old_params, strict=False):
            assert SIZES[param.type] in (None, len(raw))
    code, values = converted[-1]  # type: ignore[misc]
    assert code == info.code
    assert form is None or form.code < FIRST_NEW_CODE
    assert values == params


def test_calls_whose_arguments_moved_have_an_old_form():
    for name in ("close", "read", "write", "connect", "accept4", "unlink", "dup", "kill", "mkdir"):
        code = event_named(name).code
        form = old_form(code)

        assert form is not None
        assert Origin.ENTER in {piece.origin for piece in form.way.pieces}
        assert as_old(code, [bytes(SIZES[p.type] or 0) for p in EVENTS[code].params])[0][0] == form.enter


def test_the_old_schema_reads_like_the_current_one():
    def build(builder: CaptureBuilder) -> list[CaptureEvent]:
        builder.event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/x").event("read", 10, fd=3, data=b"abc")
        builder.event("dup", 10, res=5, oldfd=1).event("mkdir", 10, path="/d").event("container", -1, json="{}")
        return [e for e in builder.event("close", 10, fd=3).reader().events() if not e.hidden]

    old, current = build(CaptureBuilder(schema="old")), build(CaptureBuilder())

    assert [(e.code, e.params) for e in old] == [(e.code, e.params) for e in current]
    assert [e.stored_code for e in old] != [e.stored_code for e in current]


def story(builder: CaptureBuilder) -> CaptureBuilder:
    return (
        builder.process(1, "init")
        .process(10, "bash", exe="/bin/bash", args=["-c", "x"])
        .file(10, 0, "/dev/null", flags="O_RDWR")
        .user(0, "root")
        .event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/etc/shadow", flags="O_RDONLY|O_CLOEXEC")
        .event("read", 10, res=5, fd=3, data=b"hello", size=100)
        .event("close", 10, fd=3, comments=["remark"])
        .event("socket", 10, fd=7, domain="AF_INET", type=1, proto=6)
        .event("connect", 10, fd=7, tuple=("192.0.2.1", 4000, "192.0.2.2", 443), addr=("192.0.2.2", 443))
        .event("execve", 10, exe="/bin/cat", comm="cat", args=["/etc/passwd"])
        .event("unlink", 10, path="/tmp/x")
        .event("kill", 10, pid=3, sig="SIGKILL")
    )


@pytest.mark.parametrize("schema", ["current", "old"])
@pytest.mark.parametrize("compress", [False, True])
def test_an_older_program_reads_what_is_written(tmp_path: Path, schema, compress):
    program = shutil.which("sysdig")
    if program is None:
        pytest.skip("sysdig is not installed: apt-get install sysdig")
    path = story(CaptureBuilder(schema=schema)).write(tmp_path / "x.scap", compress=compress)
    form = "*%evt.num|%evt.dir|%evt.type|%proc.name|%fd.name|%evt.args"
    run = subprocess.run([program, "-r", str(path), "-p", form], capture_output=True, text=True, check=True, timeout=60)
    rows = [line.split("|", 5) for line in run.stdout.splitlines()]
    exits = {row[2]: row for row in rows if row[1] == "<"}

    assert run.stderr == ""
    assert len(rows) == (8 if schema == "current" else 16)
    assert exits["openat"][4] == "/etc/shadow"
    assert "flags=4097(O_RDONLY|O_CLOEXEC)" in (exits["openat"][5] + rows[0][5])
    assert exits["execve"][3] == "cat"
    assert "args=/etc/passwd." in exits["execve"][5]
    assert exits["connect"][5].startswith("res=0 tuple=192.0.2.1:4000->192.0.2.2:443")
    assert exits["read"][5].startswith("res=5 data=hello")
    if schema == "old":
        assert exits["close"][4] == "/etc/shadow"
        assert exits["connect"][4] == "192.0.2.1:4000->192.0.2.2:443"


def test_a_capture_can_be_written_to_a_file(tmp_path: Path):
    path = story(CaptureBuilder()).write(tmp_path / "x.scap", compress=True)

    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert list(CaptureReader(path)) == list(CaptureReader(BytesIO(story(CaptureBuilder()).to_bytes())))
