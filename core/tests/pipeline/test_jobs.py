"""Several processes say what one would, in the same order and with the same numbers.

Faults put into the code by hand, one at a time, and found by these tests: numbers of the part · events of a part not
added · parts in any order · what a process counted for its earlier parts counted again · the error of a part lost.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

from falco.alerts import Alert
from falco.errors import SourceError
from falco.pipeline import JobsResult, Pipeline, run_jobs
from falco.testing.ranges import Range, build
from falco.testing.records import Record


class Taken:
    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        assert wait
        self.alerts.append(alert)

    def settle(self) -> None:
        raise AssertionError("nothing acknowledges")


def one_process(source: Range, *, is_poisoned: bool = False) -> tuple[Pipeline[Any, Record], Taken]:
    taken = Taken()
    pipeline = Pipeline(source, *build(is_poisoned=is_poisoned), taken, lambda _: None)
    pipeline.run()
    return pipeline, taken


@pytest.mark.parametrize("parts", [None, 3, 7])
def test_alerts_order_and_numbers_are_those_of_one_process(parts: int | None) -> None:
    alone, expected = one_process(Range(0, 200))
    taken, reports = Taken(), list[str]()
    result = run_jobs(Range(0, 200), build, taken, jobs=2, parts=parts, report=reports.append)

    assert taken.alerts == expected.alerts
    assert result.count == alone.decoder.count == 200
    assert result.statistics.text() == alone.statistics.text()
    assert result.counters == {"tens": 20}
    assert reports == []


def test_a_source_that_does_not_split_is_read_here() -> None:
    taken = Taken()
    result = run_jobs(Range(0, 50, splits=False), build, taken, jobs=2, report=lambda _: None)
    _, expected = one_process(Range(0, 50))

    assert taken.alerts == expected.alerts
    assert (result.count, result.counters) == (50, {"tens": 5})


def test_events_that_cannot_be_evaluated_are_counted_in_all_parts() -> None:
    taken, reports = Taken(), list[str]()
    poisoned = functools.partial(build, is_poisoned=True)
    result = run_jobs(Range(0, 50), poisoned, taken, jobs=2, report=reports.append, parts=2)
    alone, expected = one_process(Range(0, 50), is_poisoned=True)

    assert taken.alerts == expected.alerts
    assert result.failures == alone.failures > 0
    assert len(reports) == 2
    assert all("could not be evaluated: ZeroDivisionError" in report for report in reports)


@pytest.mark.parametrize("splits", [True, False])
def test_a_part_that_cannot_be_read_ends_the_run_after_what_came_before(splits: bool) -> None:
    taken, result = Taken(), JobsResult()
    source = Range(0, 200, fails_at=100, splits=splits)
    with pytest.raises(SourceError, match="cannot read 100"):
        run_jobs(source, build, taken, jobs=2, report=lambda _: None, parts=4, result=result)
    alone, expected = one_process(Range(0, 100))

    assert taken.alerts == expected.alerts
    assert result.count == 100
    assert result.statistics.text() == alone.statistics.text()
    assert result.counters == {"tens": 10}


def test_a_process_that_dies_is_an_error_and_not_a_wait() -> None:
    with pytest.raises(SourceError, match="a scanning process died"):
        run_jobs(Range(0, 200, dies_at=150), build, Taken(), jobs=2, report=lambda _: None, parts=4)


def test_stopping_takes_effect_between_parts() -> None:
    taken = Taken()
    result = run_jobs(
        Range(0, 200), build, taken, jobs=1, report=lambda _: None, parts=4, is_stopped=lambda: bool(taken.alerts)
    )
    _, expected = one_process(Range(0, 12))

    assert taken.alerts == expected.alerts
    assert result.count == 12


@pytest.mark.timeout(60)
def test_stopping_ends_the_parts_that_are_being_scanned() -> None:
    taken = Taken()
    endless = Range(-(1 << 60), 0)
    result = run_jobs(endless, build, taken, jobs=2, report=lambda _: None, parts=2, is_stopped=lambda: True)

    assert (taken.alerts, result.count) == ([], 0)
