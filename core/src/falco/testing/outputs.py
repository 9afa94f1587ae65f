"""The contract of an output channel, as tests to inherit.

    class TestMyChannel(OutputContract):
        @pytest.fixture
        def make_output(self, tmp_path, output_context):
            return lambda: MyChannel(MyConfig(), output_context)

        def delivered(self):          # the lines that arrived so far
            return ...

Needs hypothesis: alerts of any kind go through the channel.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from falco.alerts import Alert, FormatOptions, JsonFormatter
from falco.errors import OutputError
from falco.outputs import Output, OutputContext
from falco.testing.strategies import alerts

MakeOutput = Callable[[], Output]
_FORMATTER: Final = JsonFormatter(FormatOptions())
_LINES: Final = ("plain", "with \u00e9 and \U0001f600", "\ufffd", "x" * 100_000, "")


class OutputContract:
    """What the dispatcher relies on; inherit, give the fixture ``make_output`` and ``delivered``."""

    @pytest.fixture
    def output_context(self) -> OutputContext:
        """A context that takes strings in place of alerts and renders alerts as JSON."""
        self.reports: list[str] = []
        return OutputContext(
            render=_line,
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

    @given(batches=st.lists(st.lists(alerts(), min_size=1, max_size=5), min_size=1, max_size=3))
    @settings(
        max_examples=5,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # the fixtures are made for one channel, which all examples share
    )
    def test_alerts_of_any_kind_arrive(self, make_output: MakeOutput, batches: list[list[Alert]]) -> None:
        sent = self._sent
        for batch in batches:
            output = make_output()
            output.open()
            for alert in batch:
                output.write(alert)
                sent.append(output.context.render(alert))
            output.close()

        assert list(self.delivered()) == sent

    @pytest.fixture(autouse=True)
    def _nothing_sent(self) -> None:
        self._sent: list[str] = []

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
        refusal = None
        try:
            output.write(_alert("late"))
        except OutputError as error:
            refusal = str(error)
        output.close()

        if refusal is None:
            assert list(self.delivered()) == ["late"], "an alert was neither delivered nor refused"
        else:
            assert refusal, "an OutputError has a sentence"


def _alert(line: str) -> Any:
    return line


def _line(alert: Any) -> str:
    return alert if isinstance(alert, str) else _FORMATTER.render(alert)
