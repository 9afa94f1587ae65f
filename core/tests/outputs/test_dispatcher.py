"""Channels: nothing lost that is not counted and said, and no channel delays another.

Faults put into the code by hand, one at a time, and found by these tests: what is being delivered does not count ·
a drop is not counted · what is abandoned is not counted · nobody is woken when there is room · batches taken from the
wrong end · a failure ends the thread · no flush when the queue runs empty · settling does not flush · a full channel is
waited for before the others have the alert · a source that cannot wait waits · ``keep`` ignored · the end does not say
what was dropped · no deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.alerts import Alert, AlertTemplate
from falco.errors import OutputError
from falco.outputs import Dispatcher, Output
from falco.rules.model import Priority

TEMPLATE = AlertTemplate("rule", Priority.INFORMATIONAL, "record", ("text",))
PATIENCE_S = 20.0


def alert(num: int) -> Alert:
    return Alert(TEMPLATE, num, 0, ())


class Recorded(Output):
    """Remembers what was called; waits at ``gate``; fails on the numbers in ``refused``."""

    name = "recorded"
    config_type = msgspec.Struct

    def __init__(self, name: str = "recorded", *, lossless: bool = True, refused: frozenset[int] = frozenset()) -> None:
        self.name = name  # type: ignore[misc]  # several of one class in a test
        self.lossless = lossless  # type: ignore[misc]
        self.refused = refused
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.calls: list[Any] = []
        self.threads: set[int] = set()

    def open(self) -> None:
        self.calls.append("open")

    def write(self, alert: Alert) -> None:
        self.threads.add(threading.get_ident())
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        if alert.num in self.refused:
            raise OutputError(f"refused {alert.num}")
        self.calls.append(alert.num)

    def flush(self) -> None:
        self.calls.append("flush")

    def reopen(self) -> None:
        self.calls.append("reopen")

    def close(self) -> None:
        self.calls.append("close")

    @property
    def written(self) -> list[int]:
        return [call for call in self.calls if isinstance(call, int)]


def wait_until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.001)


Make = Callable[..., Dispatcher]


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def make(reports: list[str]) -> Iterator[Make]:
    made: list[tuple[Dispatcher, tuple[Recorded, ...]]] = []

    def dispatcher(*outputs: Recorded, **options: Any) -> Dispatcher:
        made.append((Dispatcher(outputs, report=reports.append, **options), outputs))
        return made[-1][0]

    yield dispatcher
    for each, outputs in made:
        for output in outputs:
            output.gate.set()
        each.close()


def test_every_alert_reaches_every_channel_in_order_before_the_end(make: Make) -> None:
    outputs = Recorded("a"), Recorded("b", lossless=False)
    dispatcher = make(*outputs)
    for num in range(5000):
        dispatcher.emit(alert(num), wait=True)
    dispatcher.close()

    for output in outputs:
        assert output.written == list(range(5000))
        assert output.calls[0] == "open"
        assert output.calls[-2:] == ["flush", "close"]
        assert output.calls.count("close") == 1
        assert len(output.threads) == 1


def test_a_slow_channel_delays_no_other(make: Make) -> None:
    slow, quick = Recorded("slow", lossless=False), Recorded("quick")
    dispatcher = make(slow, quick, capacity=10)
    slow.gate.clear()
    for num in range(500):
        dispatcher.emit(alert(num), wait=True)
    wait_until(lambda: len(quick.written) == 500)
    slow.gate.set()
    dispatcher.close()

    assert len(slow.written) == 10
    assert dispatcher.dropped == {"slow": 490, "quick": 0}


def test_a_full_lossless_channel_gets_its_alerts_after_the_others(make: Make) -> None:
    slow, quick = Recorded("slow"), Recorded("quick")
    dispatcher = make(slow, quick, capacity=1)
    slow.gate.clear()
    source = threading.Thread(target=lambda: [dispatcher.emit(alert(num), wait=True) for num in range(3)])
    source.start()
    wait_until(lambda: quick.written == [0, 1])
    slow.gate.set()
    source.join(PATIENCE_S)
    dispatcher.close()

    assert slow.written == quick.written == [0, 1, 2]
    assert dispatcher.dropped == {"slow": 0, "quick": 0}


@pytest.mark.parametrize(
    ("lossless", "wait", "keep", "is_blocking"),
    [
        (True, True, False, True),
        (True, False, False, False),
        (False, True, False, False),
        (False, False, False, False),
        (False, True, True, True),
    ],
)
def test_who_waits_and_who_drops(make: Make, lossless: bool, wait: bool, keep: bool, is_blocking: bool) -> None:
    output = Recorded(lossless=lossless)
    dispatcher = make(output, capacity=2)
    output.gate.clear()
    done = threading.Event()

    def emit() -> None:
        for num in range(5):
            dispatcher.emit(alert(num), wait=wait, keep=keep)
        done.set()

    threading.Thread(target=emit).start()
    wait_until(lambda: done.is_set() or dispatcher.channels[0].queue.waiting == 1)

    assert done.is_set() is not is_blocking
    output.gate.set()
    assert done.wait(PATIENCE_S)
    dispatcher.close()
    assert output.written == ([0, 1, 2, 3, 4] if is_blocking else [0, 1])
    assert dispatcher.dropped == {"recorded": 0 if is_blocking else 3}


def test_what_is_dropped_is_said_with_its_number(make: Make, reports: list[str]) -> None:
    output = Recorded("http", lossless=False)
    dispatcher = make(output, capacity=2)
    output.gate.clear()
    for num in range(7):
        dispatcher.emit(alert(num), wait=True)
    output.gate.set()
    dispatcher.close()

    assert reports == ["http: outputs queue full (2 alerts), 5 alerts dropped, 5 so far"]


def test_capacity_zero_is_bounded_too(make: Make) -> None:
    output = Recorded(lossless=False)
    dispatcher = make(output, capacity=0)
    output.gate.clear()
    for num in range(65_536 + 3):
        dispatcher.emit(alert(num), wait=True)

    assert dispatcher.dropped == {"recorded": 3}


def test_a_failing_channel_goes_on_and_says_what_it_lost(make: Make, reports: list[str]) -> None:
    failing, other = Recorded("http", refused=frozenset(range(1, 400))), Recorded("stdout")
    dispatcher = make(failing, other)
    for num in range(500):
        dispatcher.emit(alert(num), wait=True)
    dispatcher.close()

    assert failing.written == [0, *range(400, 500)]
    assert other.written == list(range(500))
    assert dispatcher.lost == {"http": 399, "stdout": 0}
    assert reports[0] == "http: refused 1 (1 alerts lost, 1 so far)"
    assert reports[-1].endswith("399 so far)")
    assert len(reports) < 50


def test_a_channel_with_a_fault_of_its_own_goes_on(make: Make, reports: list[str]) -> None:
    output = Recorded("odd")
    output.write = lambda alert: 1 // alert.num  # type: ignore[method-assign,assignment]
    dispatcher = make(output)
    for num in (0, 1):
        dispatcher.emit(alert(num), wait=True)
    dispatcher.close()

    assert dispatcher.lost == {"odd": 1}
    assert reports == ["odd: ZeroDivisionError: integer division or modulo by zero (1 alerts lost, 1 so far)"]


def test_a_channel_that_does_not_open_stays_off(make: Make, reports: list[str]) -> None:
    class Closed(Recorded):
        def open(self) -> None:
            raise OutputError("cannot open /x: no such directory")

    closed, other = Closed("file"), Recorded("stdout")
    dispatcher = make(closed, other)
    for num in range(3):
        dispatcher.emit(alert(num), wait=True)
    dispatcher.settle()
    dispatcher.close()

    assert reports[0] == "file: cannot open /x: no such directory; this output channel stays off"
    assert closed.written == []
    assert other.written == [0, 1, 2]
    assert dispatcher.lost == {"file": 3, "stdout": 0}


def test_settle_returns_when_all_is_written_and_flushed(make: Make) -> None:
    outputs = Recorded("a"), Recorded("b")
    dispatcher = make(*outputs)
    outputs[1].gate.clear()
    settled = threading.Event()
    for num in range(3):
        dispatcher.emit(alert(num), wait=True)
    threading.Thread(target=lambda: (dispatcher.settle(), settled.set())).start()
    assert outputs[1].entered.wait(PATIENCE_S)
    assert not settled.is_set()
    outputs[1].gate.set()
    assert settled.wait(PATIENCE_S)

    for output in outputs:
        assert output.written == [0, 1, 2]
        assert output.calls[-1] == "flush"


def test_settle_waits_for_the_flush_too(make: Make) -> None:
    class Slow(Recorded):
        def __init__(self) -> None:
            super().__init__()
            self.flushing, self.may_flush = threading.Event(), threading.Event()

        def flush(self) -> None:
            self.flushing.set()
            assert self.may_flush.wait(PATIENCE_S)
            super().flush()

    output = Slow()
    dispatcher = make(output)
    output.gate.clear()
    dispatcher.emit(alert(0), wait=True)
    assert output.entered.wait(PATIENCE_S)
    settled = threading.Event()
    threading.Thread(target=lambda: (dispatcher.settle(), settled.set())).start()
    wait_until(lambda: len(dispatcher.channels[0].queue._items) == 1)
    output.gate.set()
    assert output.flushing.wait(PATIENCE_S)

    assert not settled.wait(0.3)
    output.may_flush.set()
    assert settled.wait(PATIENCE_S)


def test_a_queue_that_runs_empty_is_flushed(make: Make) -> None:
    output = Recorded()
    dispatcher = make(output)
    dispatcher.emit(alert(0), wait=True)
    wait_until(lambda: output.calls == ["open", 0, "flush"])


def test_reopen_comes_between_the_alerts_before_and_after_it(make: Make) -> None:
    output = Recorded()
    dispatcher = make(output)
    output.gate.clear()
    dispatcher.emit(alert(0), wait=True)
    dispatcher.reopen()
    dispatcher.emit(alert(1), wait=True)
    output.gate.set()
    dispatcher.close()

    assert [call for call in output.calls if call != "flush"] == ["open", 0, "reopen", 1, "close"]


def test_after_a_signal_the_end_has_a_deadline_and_what_is_left_is_counted(make: Make, reports: list[str]) -> None:
    stuck, quick = Recorded("http"), Recorded("stdout")
    dispatcher = make(stuck, quick, capacity=4, output_timeout_s=0.05)
    stuck.gate.clear()
    source = threading.Thread(target=lambda: [dispatcher.emit(alert(num), wait=True) for num in range(6)])
    source.start()
    wait_until(lambda: dispatcher.channels[0].queue.waiting == 1 and quick.written == [0, 1, 2, 3, 4])
    dispatcher.close(lambda: True)
    source.join(PATIENCE_S)

    assert not source.is_alive()
    assert "output channels still blocked, discarding all remaining notifications: http 4" in reports
    stuck.gate.set()
    dispatcher.close()
    wait_until(lambda: "close" in stuck.calls)
    assert dispatcher.dropped == {"http": 6, "stdout": 1}  # four left, and two that came too late
    assert quick.written == [0, 1, 2, 3, 4]


class Stubborn(Recorded):
    """Delivers nothing until it is abandoned, and then fails."""

    def write(self, alert: Alert) -> None:
        super().write(alert)
        raise OutputError("killed")

    def abandon(self) -> None:
        self.calls.append("abandon")
        self.gate.set()


def test_an_output_that_is_given_up_is_told_so_and_waited_for(make: Make, reports: list[str]) -> None:
    output = Stubborn("program")
    dispatcher = make(output, output_timeout_s=0.05)
    output.gate.clear()
    for num in range(3):
        dispatcher.emit(alert(num), wait=True)
    output.entered.wait(PATIENCE_S)
    dispatcher.close(lambda: True)

    assert [call for call in output.calls if call != "flush"] == ["open", "abandon", 0, "close"]
    assert (dispatcher.dropped, dispatcher.lost) == ({"program": 3}, {"program": 0})  # each once
    assert "program: killed" in reports
    assert not any("queue full" in report for report in reports)


def test_a_signal_that_comes_while_channels_are_closed_sets_the_deadline(make: Make, reports: list[str]) -> None:
    stuck, quick = Stubborn("program"), Recorded("stdout")
    dispatcher = make(stuck, quick, output_timeout_s=0.05)
    stuck.gate.clear()
    for num in range(3):
        dispatcher.emit(alert(num), wait=True)
    signalled = threading.Event()
    closer = threading.Thread(target=dispatcher.close, args=(signalled.is_set,))
    closer.start()
    wait_until(lambda: "close" in quick.calls)
    assert "abandon" not in stuck.calls
    signalled.set()
    closer.join(PATIENCE_S)

    assert not closer.is_alive()
    assert "output channels still blocked, discarding all remaining notifications: program 3" in reports
    assert quick.written == [0, 1, 2]


def test_alerts_that_turn_out_lost_are_counted_and_said(make: Make, reports: list[str]) -> None:
    class Late(Recorded):
        def write(self, alert: Alert) -> None:
            super().write(alert)
            if alert.num == 3:
                self.lose("the program ended", 2)

        def close(self) -> None:
            self.lose("the disk is full", 1)

    dispatcher = make(Late("program"))
    for num in range(5):
        dispatcher.emit(alert(num), wait=True)
    dispatcher.close()

    assert (dispatcher.lost, dispatcher.channels[0].written) == ({"program": 3}, 2)
    assert "program: the program ended (2 alerts lost, 2 so far)" in reports
    assert reports[-1] == "program: the disk is full (1 alerts lost, 3 so far)"


def test_a_channel_that_stands_still_is_reported_once(make: Make, reports: list[str]) -> None:
    output = Recorded("stdout")
    dispatcher = make(output, capacity=2, output_timeout_s=0.04)
    output.gate.clear()
    source = threading.Thread(target=lambda: [dispatcher.emit(alert(num), wait=True) for num in range(3)])
    source.start()
    wait_until(lambda: len(reports) > 0)
    time.sleep(0.2)
    output.gate.set()
    source.join(PATIENCE_S)
    dispatcher.close()

    assert reports == ['"stdout" output timeout: nothing delivered for 0.04 s, 2 alerts are waiting; the source waits']
    assert output.written == [0, 1, 2]


def emit_all(dispatcher: Dispatcher, nums: range, *, wait: bool, keep: bool) -> None:
    for num in nums:
        dispatcher.emit(alert(num), wait=wait, keep=keep)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.frozensets(st.integers(0, 60), max_size=9)), max_size=3),
    st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.booleans()), min_size=1, max_size=3),
)
def test_a_dispatcher_loses_exactly_what_it_counts(
    capacity: int, channels: list[tuple[bool, bool, frozenset[int]]], sources: list[tuple[int, bool, bool]]
) -> None:
    outputs = [
        Recorded(f"{i}", lossless=lossless, refused=refused) for i, (lossless, _, refused) in enumerate(channels)
    ]
    reports: list[str] = []
    dispatcher = Dispatcher(outputs, report=reports.append, capacity=capacity)
    first = 0
    threads = []
    for count, wait, keep in sources:
        nums = range(first, first + count)
        first += count
        threads.append(threading.Thread(target=emit_all, args=(dispatcher, nums), kwargs={"wait": wait, "keep": keep}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    dispatcher.close()

    for output, channel in zip(outputs, dispatcher.channels, strict=True):
        assert len(output.written) == channel.written
        assert channel.written + channel.lost + channel.dropped == first
        assert len(set(output.written)) == len(output.written)
        start = 0
        for count, wait, keep in sources:
            mine = [num for num in output.written if start <= num < start + count]
            assert mine == sorted(mine)
            if keep or (wait and output.lossless):
                assert mine == [num for num in range(start, start + count) if num not in output.refused]
            start += count
    assert (sum(dispatcher.dropped.values()) > 0) == any("dropped" in report for report in reports)
    assert (sum(dispatcher.lost.values()) > 0) == any("lost" in report for report in reports)
