"""A terminal is two streams that say they are one; what a person sees at last is what is compared."""

import io

import pytest

from falco.cli.screen import Screen, is_coloured


class Terminal(io.BytesIO):
    def isatty(self):
        return True


class Gone(io.BytesIO):
    def write(self, data):
        raise BrokenPipeError


def test_a_line_is_written_above_the_line_of_progress():
    terminal = Terminal()
    screen = Screen(terminal, terminal, {})
    screen.show("10%")
    screen.stdout.write(b"alert\n")
    screen.show("")

    assert terminal.getvalue() == b"10%" + b"\r\x1b[2K" + b"alert\n" + b"10%" + b"\r\x1b[2K"


def test_a_pipe_beside_a_terminal_gets_its_bytes_and_nothing_else():
    pipe, terminal = io.BytesIO(), Terminal()
    screen = Screen(pipe, terminal, {})
    screen.show("10%")
    screen.stdout.write(b"alert\n")

    assert pipe.getvalue() == b"alert\n"
    assert terminal.getvalue() == b"10%"


def test_without_a_terminal_there_is_no_progress():
    errors = io.BytesIO()
    screen = Screen(Terminal(), errors, {})
    screen.show("10%")

    assert (screen.has_progress, errors.getvalue()) == (False, b"")


def test_a_dumb_terminal_has_none_either():
    assert not Screen(Terminal(), Terminal(), {"TERM": "dumb"}).has_progress


def test_a_reader_that_has_gone_is_noticed_once():
    screen = Screen(Gone(), io.BytesIO(), {})

    assert screen.stdout.write(b"alert\n") == 6
    assert screen.is_abandoned
    assert screen.stdout.write(b"alert\n") == 6


@pytest.mark.parametrize(
    ("stream", "env", "answer"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.BytesIO(), {}, False),
        (io.BytesIO(), {"FORCE_COLOR": "1"}, True),
        (io.BytesIO(), {"FORCE_COLOR": "0"}, False),
        (Terminal(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_unless_said_otherwise(stream, env, answer):
    assert is_coloured(stream, env) is answer
