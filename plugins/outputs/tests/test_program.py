"""The program channel hands alerts to a command and says when the command fails."""

import sys

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


def test_event_text_is_never_shell_text(channel, tmp_path):
    path, trap = tmp_path / "lines", tmp_path / "trap"
    line = f"$(touch {trap}) `touch {trap}` ; touch {trap} | touch {trap}"
    channel(f"cat >> '{path}'").write(line)

    assert path.read_text() == line + "\n"
    assert not trap.exists()


def test_empty_command_is_refused(output_context):
    with pytest.raises(OutputError, match="program is empty"):
        ProgramOutput(ProgramConfig(program="  "), output_context).open()
