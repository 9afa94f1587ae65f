"""What fields say of the events of small captures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falco.conditions import parser
from falco.documents.text import Text
from falco.fields.registry import Fields
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.fields import FIELDS

ALL = Fields("syscall", FIELDS)
See = Callable[..., list[Any]]


@pytest.fixture
def see() -> See:
    """``see(capture, "fd.name", "proc.name")``: for each event the value of each field; of one field the value alone."""

    def run(capture: CaptureBuilder, *names: str) -> list[Any]:
        getters = []
        for name in names:
            operand = parser.parse_operand(Text.of(name))
            use = ALL.use(operand.name, operand.argument)
            getters.append(use.field.bind(use.argument))
        rows = []
        for event in SyscallDecoder().events(list(capture.reader())):
            values = tuple(getter(event) for getter in getters)
            rows.append(values if len(values) > 1 else values[0])
        return rows

    return run
