"""The installed command on a terminal."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

FALCO = Path(sys.executable).with_name("falco")
RULE = """\
- rule: Seen
  desc: Any event.
  condition: ka.auditid endswith 0
  output: "seen %ka.auditid"
  priority: WARNING
  source: k8s_audit
"""
EVENTS = 60_000
DEADLINE_S = 120


def screen(command, folder, *, only=(), **env):
    """What a terminal gets of the streams named by *only* ("stdout", "stderr"), the rest, and the exit code."""
    ours, theirs = pty.openpty()
    streams = {name: theirs if name in only else subprocess.PIPE for name in ("stdout", "stderr")}
    process = subprocess.Popen(
        [FALCO, *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TZ": "UTC", "TERM": "xterm", **env},
        stdin=subprocess.DEVNULL,
        **streams,
    )
    os.close(theirs)
    shown = []

    def read():
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError as error:  # Linux says so when the last writer has gone
                assert error.errno == errno.EIO
                return
            if not piece:
                return
            shown.append(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    rest = b"".join(part or b"" for part in process.communicate(timeout=DEADLINE_S))
    reader.join(DEADLINE_S)
    os.close(ours)
    return b"".join(shown).decode(), rest.decode(), process.returncode


@pytest.fixture
def here(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULE)
    event = {"kind": "Event", "stage": "ResponseComplete", "verb": "get", "stageTimestamp": "2024-01-02T03:04:05Z"}
    with (tmp_path / "audit.log").open("w") as log:
        log.writelines(json.dumps({"auditID": f"{number:06}", **event}) + "\n" for number in range(EVENTS))
    return tmp_path


SCAN = ("scan", "-r", "rules.yaml", "audit.log")


def test_progress_and_colours_are_shown_and_leave_whole_lines_behind(here):
    shown, _, code = screen(SCAN, here, only=("stdout", "stderr"))
    left = [line.rpartition("\x1b[2K")[2] for line in shown.split("\r\n")]
    alerts = [line for line in left if "seen" in line]

    assert code == 1
    assert "% [" in shown
    assert " events/s" in shown
    assert alerts == [
        f"03:04:05.000000000: \x1b[33m\x1b[1mWarning\x1b[0m seen {number:06}" for number in range(0, EVENTS, 10)
    ]
    assert "6,000 alerts in 60,000 events of 1 input" in left
    assert left[-1] == ""


def test_a_terminal_for_errors_only_leaves_the_pipe_alone(here):
    shown, piped, code = screen(SCAN, here, only=("stderr",))

    assert code == 1
    assert " events/s" in shown
    assert "\x1b" not in piped
    assert piped.startswith("03:04:05.000000000: Warning seen 000000\n")


def test_a_pipe_for_errors_gets_no_progress(here):
    shown, piped, _ = screen(SCAN, here, only=("stdout",))

    assert (piped, "\x1b[2K" in shown) == ("", False)
    assert "\x1b[33m" in shown


def test_no_colour_means_none(here):
    shown, _, _ = screen(SCAN, here, only=("stdout",), NO_COLOR="1")

    assert "\x1b" not in shown


def test_a_shell_gets_completions(here):
    ran = subprocess.run(
        [FALCO],
        env={
            "PATH": os.environ["PATH"],
            "_FALCO_COMPLETE": "bash_complete",
            "COMP_WORDS": "falco sc",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert (ran.stdout, ran.returncode) == ("plain,scan\n", 0)


PROMPT = b"<what>"
SHELLS = {
    "bash": (["--norc", "-i"], "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'"),
    "zsh": (["-f", "-i"], "unsetopt zle_bracketed_paste prompt_sp; bindkey -e; autoload -Uz compinit; compinit -u"),
}


def completed(name, line, folder):
    """What the shell *name* makes of *line* and the tab key behind it."""
    ours, theirs = pty.openpty()
    arguments, settings = SHELLS[name]
    environment = {
        "PATH": f"{FALCO.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "xterm",
        "PS1": PROMPT.decode(),
    }
    process = subprocess.Popen(
        [shutil.which(name), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered = b"", 0
    typed = [f'{settings}; eval "$(falco completion {name})"', f"{line}\t\x01echo 'it is [\x05]'", "exit"]
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
            if typed and shown.find(PROMPT, answered) >= 0:
                answered = len(shown)
                os.write(ours, typed.pop(0).encode() + b"\n")
    except OSError as error:
        assert error.errno == errno.EIO
    finally:
        os.close(ours)
        process.wait(DEADLINE_S)
    return re.findall(rb"^it is \[(.*?) ?\]", shown, re.MULTILINE)[-1].decode()


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("falco sc", "falco scan"),
        ("falco scan au", "falco scan audit.log"),
        ("falco -V au", "falco -V audit.log"),
        ("falco --list=k8", "falco --list=k8s_audit"),
        ("falco --enable-source sy", "falco --enable-source syscall"),
        ("falco plugin info k8s_", "falco plugin info k8s_audit"),
        ("falco scan --min-priority war", "falco scan --min-priority warning"),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes_commands_flags_files_and_values(tmp_path, shell, line, whole):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "audit.log").touch()

    assert completed(shell, line, tmp_path) == whole


def test_a_scan_ends_when_nobody_reads_it_any_more(here):
    command = subprocess.Popen(
        [FALCO, *SCAN, "-"], cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdin.write((here / "audit.log").read_bytes().splitlines(keepends=True)[0])  # says what it holds
    command.stdin.flush()
    command.stdout.readline()
    command.stdout.close()
    said = command.stderr.read().decode()  # standard input stays open: only the reader's going can end it
    code = command.wait(DEADLINE_S)
    command.stdin.close()
    command.stderr.close()

    assert (code, said) == (1, "")


OBEYED = "\x1b[2J\x9b2J\x85\u202e"


@pytest.mark.parametrize("form", ["text", "json"])
def test_text_of_events_moves_no_terminal(tmp_path, form):
    (tmp_path / "rules.yaml").write_text(RULE.replace("endswith 0", "exists"))
    times = ["2024-01-02T03:04:05Z", f"never{OBEYED}\nTue Jan  2 03:04:05 2024: all is well"]
    events = [{"kind": "Event", "auditID": f"a{OBEYED}", "stageTimestamp": time} for time in times]
    folder = tmp_path / f"logs{OBEYED}"
    folder.mkdir()
    (folder / f"a{OBEYED}\n.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    (folder / f"b{OBEYED}.bin").write_bytes(b"\0")
    shown, _, code = screen(
        ("scan", "-r", "rules.yaml", "-o", f"json_output={form == 'json'}", folder), tmp_path, only=("stdout", "stderr")
    )

    own = shown.replace("\r\x1b[2K", "")  # the line of progress
    lines = own.replace("\x1b[0m", "").replace("\x1b[33m\x1b[1m", "").split("\r\n")
    assert code == 1
    assert not {
        character for line in lines for character in line if character in OBEYED and not character.isprintable()
    }
    assert not [line for line in lines if line.startswith("Tue Jan  2 03:04:05 2024: all is well")]
    assert "\\u001b[2J\\u009b2J\\u0085\\u202e" in own
