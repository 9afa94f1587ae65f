"""Channels under their contract: a good one, and one for each promise that is not kept."""

import msgspec
import pytest

from falco import Alert, Output, OutputError
from falco.testing import OutputContract


class Config(msgspec.Struct):
    pass


class Shelf(Output):
    """Keeps lines."""

    name = "shelf"
    config_type = Config

    def __init__(self, config, context, lines):
        super().__init__(config, context)
        self.lines, self.is_open = lines, False

    def open(self):
        self.is_open = True

    def write(self, alert):
        if not self.is_open:
            raise OutputError("the shelf is closed")
        self.lines.append(self.context.render(alert))

    def close(self):
        self.is_open = False


class _Contract(OutputContract):
    Plugin = Shelf

    @pytest.fixture
    def make_output(self, output_context):
        self.lines = []
        return lambda: self.Plugin(Config(), output_context, self.lines)

    def delivered(self):
        return self.lines


class TestGood(_Contract):
    pass


class TestNameless(_Contract):
    breaks = "test_has_a_name_and_a_config"

    class Plugin(Shelf):
        name = ""


class TestDropsEmpty(_Contract):
    breaks = "test_every_alert_arrives_in_order"

    class Plugin(Shelf):
        def write(self, alert):
            if self.context.render(alert):
                super().write(alert)


class TestPicky(_Contract):
    breaks = "test_alerts_of_any_kind_arrive"

    class Plugin(Shelf):
        def write(self, alert):
            if not (isinstance(alert, Alert) and alert.template.source != "syscall"):
                super().write(alert)


class TestClosesOnce(_Contract):
    breaks = "test_flush_and_close_may_be_repeated"

    class Plugin(Shelf):
        def close(self):
            if not self.is_open:
                raise OutputError("closed already")
            super().close()


class TestStartsAnew(_Contract):
    breaks = "test_goes_on_after_reopen"

    class Plugin(Shelf):
        def reopen(self):
            self.lines.clear()


class TestSwallows(_Contract):
    breaks = "test_fails_with_an_output_error_only"

    class Plugin(Shelf):
        def write(self, alert):
            if self.is_open:
                super().write(alert)


class TestBursts(_Contract):
    breaks = "test_fails_with_an_output_error_only"

    class Plugin(Shelf):
        def write(self, alert):
            if not self.is_open:
                raise ValueError("I/O operation on closed file")
            super().write(alert)
