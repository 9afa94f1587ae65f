import io
from dataclasses import replace
from pathlib import Path

import pytest

from falco import OutputError
from falco.testing.outputs import OutputContract
from falco_outputs import file
from falco_outputs.file import FileConfig, FileOutput


@pytest.fixture
def here(output_context, tmp_path):
    return replace(output_context, cwd=tmp_path)


class TestFile(OutputContract):
    @pytest.fixture(params=[True, False])
    def make_output(self, request, output_context, tmp_path):
        self.path = tmp_path / "alerts"
        context = replace(output_context, cwd=tmp_path)
        return lambda: FileOutput(FileConfig(filename="alerts", keep_alive=request.param), context)

    def delivered(self):
        return self.path.read_text().split("\n")[:-1] if self.path.exists() else []


def test_alerts_are_appended(here, tmp_path):
    (tmp_path / "a").write_text("old\n")
    FileOutput(FileConfig(filename="a"), here).write("new")

    assert (tmp_path / "a").read_text() == "old\nnew\n"


def test_without_keep_alive_a_file_that_was_moved_away_is_made_anew(here, tmp_path):
    output = FileOutput(FileConfig(filename="a"), here)
    output.write("one")
    (tmp_path / "a").rename(tmp_path / "b")
    output.write("two")

    assert (tmp_path / "a").read_text() == "two\n"


def test_with_keep_alive_it_is_made_anew_by_reopen(here, tmp_path):
    output = FileOutput(FileConfig(filename="a", keep_alive=True), here)
    output.write("one")
    (tmp_path / "a").rename(tmp_path / "b")
    output.write("two")
    output.reopen()
    output.write("three")
    output.close()

    assert (tmp_path / "b").read_text() == "one\ntwo\n"
    assert (tmp_path / "a").read_text() == "three\n"


@pytest.mark.parametrize("keep_alive", [True, False])
def test_rotated_and_deleted_at_once_costs_no_alert_after_the_reopen(here, tmp_path, keep_alive):
    output = FileOutput(FileConfig(filename="a", keep_alive=keep_alive), here)
    output.write("one")
    (tmp_path / "a").rename(tmp_path / "b").unlink()
    output.reopen()
    output.write("two")
    output.close()

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "two\n"


def test_a_folder_that_was_deleted_is_an_error_until_it_is_back(here, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    output = FileOutput(FileConfig(filename="logs/a"), here)
    output.write("one")
    (folder / "a").unlink()
    folder.rmdir()
    with pytest.raises(OutputError, match="failed to open output file logs/a: No such file or directory"):
        output.write("two")
    folder.mkdir()
    output.write("three")

    assert (folder / "a").read_text() == "three\n"


@pytest.mark.parametrize("filename", ["nodir/a", "."])
def test_a_file_that_cannot_be_opened_is_an_error_for_each_alert(here, filename):
    output = FileOutput(FileConfig(filename=filename), here)
    output.open()
    for _ in range(2):
        with pytest.raises(OutputError, match=f"failed to open output file {filename}: "):
            output.write("one")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_an_error(here):
    with pytest.raises(OutputError, match="cannot write to /dev/full: No space left on device"):
        FileOutput(FileConfig(filename="/dev/full"), here).write("one")


def test_buffered_lines_are_written_when_the_queue_is_empty(here, tmp_path):
    output = FileOutput(FileConfig(filename="a", keep_alive=True), replace(here, is_buffered=True))
    output.write("one")

    assert (tmp_path / "a").read_text() == ""
    output.flush()
    assert (tmp_path / "a").read_text() == "one\n"
    output.close()


class HalfFull:
    """A file on a disk that is full in the middle of a line, once."""

    room = 4

    def __init__(self, path, mode):
        self._file = io.FileIO(path, mode)

    def write(self, data):
        if not HalfFull.room:
            HalfFull.room = 1000
            raise OSError(28, "No space left on device")
        part = bytes(data[: HalfFull.room])
        HalfFull.room -= len(part)
        return self._file.write(part)

    def close(self):
        self._file.close()


@pytest.mark.parametrize("keep_alive", [False, True])
def test_half_a_line_is_ended_before_the_next_one(here, tmp_path, monkeypatch, keep_alive):
    monkeypatch.setattr(file, "FileIO", HalfFull)
    monkeypatch.setattr(HalfFull, "room", 4)
    output = FileOutput(FileConfig(filename="alerts", keep_alive=keep_alive), here)
    with pytest.raises(OutputError, match="No space left"):
        output.write("one alert")
    output.write("another")
    output.close()

    assert (tmp_path / "alerts").read_text() == "one \nanother\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_gathered_lines_that_the_end_finds_no_room_for_are_counted(here):
    output = FileOutput(FileConfig(filename="/dev/full", keep_alive=True), replace(here, is_buffered=True))
    losses = []
    output.lose = lambda *loss: losses.append(loss)
    for line in ("one", "two"):
        output.write(line)
    output.close()

    assert losses == [("cannot write to /dev/full: No space left on device", 2)]
