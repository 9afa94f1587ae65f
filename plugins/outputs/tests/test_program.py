"""The program channel hands alerts to a command and says when the command fails."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from falco import OutputError
from falco.testing import OutputContract
from falco_outputs.program import ProgramConfig, ProgramOutput

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


class _Contract(OutputContract):
    keep_alive = False

    @pytest.fixture
    def make_output(self, tmp_path, output_context):
        self.path = tmp_path / "alerts"
        config = ProgramConfig(program=f"cat >> '{self.path}'", keep_alive=self.keep_alive)
        return lambda: ProgramOutput(config, output_context)

    def delivered(self):
        return self.path.read_text(encoding="utf-8").split("\n")[:-1]


class TestOneAlertAProgram(_Contract):
    pass


class TestOneProgramForAll(_Contract):
    keep_alive = True


@pytest.fixture
def channel(output_context):
    channels = []

    def make(program, **keys):
        channels.append(ProgramOutput(ProgramConfig(program=program, **keys), output_context))
        channels[-1].open()
        return channels[-1]

    yield make
    for each in channels:
        each.close()


def test_exit_status_of_a_failing_program_is_told(channel):
    with pytest.raises(OutputError, match="ended with exit status 3"):
        channel("cat > /dev/null; exit 3").write("alert")


def test_program_that_cannot_be_found_is_told(channel):
    with pytest.raises(OutputError, match="exit status 127"):
        channel("no-such-program-here 2> /dev/null").write("alert")


def test_hanging_program_is_killed_after_its_time(channel):
    with pytest.raises(OutputError, match=r"did not end within 0.2 s and was killed"):
        channel("cat > /dev/null; sleep 60", timeout_s=0.2).write("alert")


@pytest.mark.parametrize("keep_alive", [False, True])
def test_program_that_never_reads_is_killed_after_its_time(channel, keep_alive):
    with pytest.raises(OutputError, match=r"has not read for 0.2 s"):
        channel("sleep 60", timeout_s=0.2, keep_alive=keep_alive).write("x" * 1_000_000)


def test_program_that_closes_its_input_is_told(channel):
    with pytest.raises(OutputError, match="did not take the alert"):
        channel("exec 0<&-; sleep 0.2; exit 4", keep_alive=True).write("x" * 1_000_000)


def test_lasting_program_that_ended_is_started_again(channel, tmp_path, reports):
    path = tmp_path / "lines"
    output = channel(f"head -n 1 >> '{path}'", keep_alive=True)
    output.write("first")
    output._child._process.wait(10)
    output.write("second")
    output.close()

    assert path.read_text() == "first\nsecond\n"
    assert "ended with exit status 0; started again" in reports[0]


STUBBORN = (
    "trap '' TERM; echo $$ > shell; sh -c 'echo $$ > sleeper; exec sleep 3600' < /dev/null & cat > /dev/null; wait"
)
"""Ignores SIGTERM, as does what it has started."""


@pytest.fixture
def lost(channel):
    """A function: what *output* has lost so far, pairs of a sentence and a number."""

    def watch(output):
        losses = []
        output.lose = lambda *loss: losses.append(loss)
        return losses

    return watch


def is_running(pid):
    """Whether the process is there and no zombie: who reaps orphans is not our business."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def assert_gone(pids):
    """Those that were sent SIGKILL may take a moment."""
    end = time.monotonic() + 30
    while any(map(is_running, pids)):
        assert time.monotonic() < end, "something still runs"
        time.sleep(0.01)


def pids(folder):
    """The processes of the stubborn program, once they are there."""
    end = time.monotonic() + 30
    files = [folder / "shell", folder / "sleeper"]
    while not all(file.exists() and file.read_text().strip() for file in files):
        assert time.monotonic() < end, "the program does not start"
        time.sleep(0.01)
    return [int(file.read_text()) for file in files]


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see what runs")


@linux
@pytest.mark.parametrize("keep_alive", [False, True])
def test_program_that_ignores_sigterm_is_killed_with_all_it_started(channel, reports, in_folder, keep_alive):
    output = channel(STUBBORN, timeout_s=0.5, keep_alive=keep_alive)
    said = []
    try:
        output.write("alert")
    except OutputError as error:
        said.append(str(error))
    running = pids(in_folder)
    output.close()

    assert_gone(running)
    with pytest.raises(ProcessLookupError):
        os.kill(running[0], 0)  # reaped
    assert any("did not end within 0.5 s and was killed" in sentence for sentence in [*said, *reports])


@linux
@pytest.mark.parametrize("keep_alive", [False, True])
def test_abandon_ends_a_program_that_would_take_for_ever(channel, reports, in_folder, keep_alive):
    output = channel(STUBBORN, timeout_s=3600, keep_alive=keep_alive)
    said = []

    def work():
        try:
            output.write("alert")
        except OutputError as error:
            said.append(str(error))
        output.close()

    thread = threading.Thread(target=work)
    thread.start()
    running = pids(in_folder)
    output.abandon()
    thread.join(30)

    assert not thread.is_alive()
    assert_gone(running)
    assert "was busy when the run ended and was killed" in "".join([*said, *reports])
    with pytest.raises(OutputError, match="not started, the run ends"):
        output.write("late")


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


linux_pipe = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is left in a pipe")


@linux_pipe
@pytest.mark.parametrize(("program", "number"), [("read one", 3), ("read one; read two", 2), ("true", 4)])
def test_alerts_that_a_lasting_program_left_unread_are_counted_when_it_is_started_again(
    channel, lost, tmp_path, program, number
):
    once = tmp_path / "once"
    output = channel(f"if [ -e '{once}' ]; then cat > /dev/null; else touch '{once}'; {program}; fi", keep_alive=True)
    losses = lost(output)
    output.write("1")
    os.kill(output._child._process.pid, signal.SIGSTOP)
    for alert in "234":
        output.write(alert)
    os.kill(output._child._process.pid, signal.SIGCONT)
    output._child._process.wait(30)
    output.write("5")
    output.close()

    assert [count for _, count in losses] == [number]
    assert losses[0][0].endswith("ended with exit status 0 and left alerts unread; started again")


@linux_pipe
def test_alerts_that_a_lasting_program_leaves_unread_at_the_end_are_counted(channel, lost):
    output = channel("read one; sleep 0.3; exit 3", keep_alive=True)
    losses = lost(output)
    for alert in ("1", "2" * 10_000, "3"):
        output.write(alert)
    output.close()

    assert [count for _, count in losses] == [2]
    assert losses[0][0].endswith("ended with exit status 3 and left alerts unread")


@linux_pipe
def test_alerts_before_the_one_that_finds_the_input_closed_are_counted_too(channel, lost, tmp_path):
    gate = tmp_path / "gate"
    output = channel(
        f"while [ ! -e '{gate}' ]; do sleep 0.01; done; exec 0<&-; touch '{gate}2'; sleep 60", keep_alive=True
    )
    losses = lost(output)
    for alert in "123":
        output.write(alert)
    gate.touch()
    while not Path(f"{gate}2").exists():
        time.sleep(0.01)
    with pytest.raises(OutputError, match="did not take the alert .closed its input and was killed"):
        output.write("4")

    assert [count for _, count in losses] == [3]


def test_lasting_program_that_is_slow_is_waited_for_while_it_reads(channel, lost, tmp_path):
    path = tmp_path / "lines"
    output = channel(f"while read line; do sleep 0.1; echo $line >> '{path}'; done", timeout_s=0.5, keep_alive=True)
    losses = lost(output)
    for alert in range(12):
        output.write(f"{alert}")
    output.close()

    assert path.read_text().split() == [f"{alert}" for alert in range(12)]
    assert losses == []


def test_event_text_is_never_shell_text(channel, tmp_path):
    path, trap = tmp_path / "lines", tmp_path / "trap"
    line = f"$(touch {trap}) `touch {trap}` ; touch {trap} | touch {trap}"
    channel(f"cat >> '{path}'").write(line)

    assert path.read_text() == line + "\n"
    assert not trap.exists()


def test_empty_command_is_refused(output_context):
    with pytest.raises(OutputError, match="program is empty"):
        ProgramOutput(ProgramConfig(program="  "), output_context).open()
