"""The contract of an output channel, as tests to inherit.

class TestMyChannel(OutputContract):
    @pytest.fixture
    def make_output(self, tmp_path, output_context):
        return lambda: MyChannel(MyConfig(), output_context)

    def delivered(self):          # the lines that arrived so far
        return ...
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from falco.errors import OutputError
from falco.outputs import Output, OutputContext

MakeOutput = Callable[[], Output]
_LINES = ("plain", "with \u00e9 and \U0001f600", "\ufffd", "x" * 100_000, "")


class OutputContract:
    """What the dispatcher relies on; inherit, give the fixture ``make_output`` and ``delivered``."""

    @pytest.fixture
    def output_context(self) -> OutputContext:
        """A context whose ``render`` is ``str``: write strings in place of alerts."""
        self.reports: list[str] = []
        return OutputContext(
            render=str,
            is_json=False,
            is_buffered=False,
            stdout=io.BytesIO(),
            env={},
            report=self.reports.append,
        )

    @pytest.fixture
    def make_output(self) -> MakeOutput:
        """A function that makes the channel over the same place, each time it is called."""
        raise NotImplementedError("give the fixture make_output")

    def delivered(self) -> Sequence[str]:
        """The lines that arrived so far, in order."""
        raise NotImplementedError("say what arrived")

    def test_has_a_name_and_a_config(self, make_output: MakeOutput) -> None:
        output = make_output()

        assert output.name
        assert output.config_type

    def test_every_alert_arrives_in_order(self, make_output: MakeOutput) -> None:
        output = make_output()
        output.open()
        for line in _LINES:
            output.write(_alert(line))
        output.flush()
        output.close()

        assert list(self.delivered()) == list(_LINES)

    def test_flush_and_close_may_be_repeated(self, make_output: MakeOutput) -> None:
        output = make_output()
        output.open()
        output.write(_alert("one"))
        for _ in range(2):
            output.flush()
        for _ in range(2):
            output.close()

        assert list(self.delivered()) == ["one"]

    def test_goes_on_after_reopen(self, make_output: MakeOutput) -> None:
        output = make_output()
        output.open()
        output.write(_alert("before"))
        output.reopen()
        output.write(_alert("after"))
        output.close()

        assert list(self.delivered()) == ["before", "after"]

    def test_fails_with_an_output_error_only(self, make_output: MakeOutput) -> None:
        output = make_output()
        output.open()
        output.close()
        sentence = "delivered"
        try:
            output.write(_alert("late"))
        except OutputError as error:
            sentence = str(error)
        output.close()

        assert sentence, "an OutputError has a sentence"


def _alert(line: str) -> Any:
    return line
