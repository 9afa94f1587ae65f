"""Several processes say what one would, in the same order and with the same numbers.

Faults put into the code by hand, one at a time, and found by these tests: numbers of the part · events of a part not
added · parts in any order · what a process counted for its earlier parts counted again · the error of a part lost · a
death not noticed · processes waited for at the end · the part in hand not closed · the decoder keeps the last report.
"""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path
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


def made(source: Range, *, is_poisoned: bool = False) -> tuple[Pipeline[Any, Record], Taken, list[str]]:
    taken, reports = Taken(), list[str]()
    return Pipeline(source, *build(is_poisoned=is_poisoned), taken, reports.append), taken, reports


def one_process(source: Range, *, is_poisoned: bool = False) -> tuple[Pipeline[Any, Record], Taken]:
    pipeline, taken, _ = made(source, is_poisoned=is_poisoned)
    pipeline.run()
    return pipeline, taken


@pytest.mark.parametrize(("jobs", "parts"), [(1, 3), (2, None), (2, 3), (3, 7)])
def test_alerts_order_and_numbers_are_those_of_one_process(jobs: int, parts: int | None) -> None:
    alone, expected = one_process(Range(0, 200))
    pipeline, taken, reports = made(Range(0, 200))
    result = run_jobs(pipeline, build, jobs=jobs, parts=parts)

    assert taken.alerts == expected.alerts
    assert result.count == pipeline.decoder.count == alone.decoder.count == 200
    assert pipeline.statistics.text() == alone.statistics.text()
    assert result.counters == {"tens": 20}
    assert reports == []


@pytest.mark.timeout(60)
def test_a_part_that_is_done_before_its_turn_waits_for_it(tmp_path: Path) -> None:
    _, expected = one_process(Range(0, 200))
    pipeline, taken, _ = made(Range(0, 200, meets=str(tmp_path / "second part is done")))
    run_jobs(pipeline, build, jobs=2, parts=8)

    assert taken.alerts == expected.alerts


def test_a_source_that_does_not_split_is_read_here() -> None:
    pipeline, taken, _ = made(Range(0, 50, splits=False))
    result = run_jobs(pipeline, build, jobs=2)
    _, expected = one_process(Range(0, 50))

    assert taken.alerts == expected.alerts
    assert (result.count, result.counters) == (50, {"tens": 5})


def test_events_that_cannot_be_evaluated_are_counted_in_all_parts() -> None:
    pipeline, taken, reports = made(Range(0, 50), is_poisoned=True)
    run_jobs(pipeline, functools.partial(build, is_poisoned=True), jobs=2, parts=2)
    alone, expected = one_process(Range(0, 50), is_poisoned=True)

    assert taken.alerts == expected.alerts
    assert pipeline.failures == alone.failures > 0
    assert len(reports) == 2
    assert all("could not be evaluated: ZeroDivisionError" in report for report in reports)


@pytest.mark.parametrize("splits", [True, False])
def test_a_part_that_cannot_be_read_ends_the_run_after_what_came_before(splits: bool) -> None:
    pipeline, taken, reports = made(Range(0, 200, fails_at=100, splits=splits))
    result = JobsResult()
    with pytest.raises(SourceError, match="cannot read 100"):
        run_jobs(pipeline, build, jobs=2, parts=4, result=result)
    alone, expected = one_process(Range(0, 100))

    assert taken.alerts == expected.alerts
    assert result.count == 100
    assert result.counters == {"tens": 10}
    assert pipeline.statistics.text() == alone.statistics.text()
    assert pipeline.decoder.report == reports.append


def test_a_process_that_dies_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    pipeline, _, _ = made(Range(0, 200, meets=str(tmp_path / "dead"), dies=True))
    with pytest.raises(SourceError, match="a scanning process died"):
        run_jobs(pipeline, build, jobs=2, parts=4)


@pytest.mark.timeout(60)
def test_a_process_that_is_slow_to_start_is_not_waited_for() -> None:
    pipeline, taken, _ = made(Range(0, 200))
    run_jobs(pipeline, functools.partial(time.sleep, 3600), jobs=3)  # type: ignore[arg-type]
    _, expected = one_process(Range(0, 200))

    assert taken.alerts == expected.alerts


def test_stopping_takes_effect_between_parts() -> None:
    pipeline, taken, _ = made(Range(0, 200))
    result = run_jobs(pipeline, build, jobs=1, parts=4, is_stopped=lambda: bool(taken.alerts))
    _, expected = one_process(Range(0, 12))

    assert taken.alerts == expected.alerts
    assert result.count == 12


@pytest.mark.timeout(60)
@pytest.mark.parametrize("source", [Range(0, 4, is_endless=True), Range(-(1 << 60), 0)])
def test_stopping_ends_the_parts_that_are_being_scanned(source: Range) -> None:
    pipeline, taken, _ = made(source)
    stopped, results = threading.Event(), list[JobsResult]()

    def run() -> None:
        results.append(run_jobs(pipeline, build, jobs=2, parts=2, is_stopped=stopped.is_set))

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.5)  # long enough for one process to have begun, and sometimes for both
    stopped.set()
    thread.join()

    assert results[0].count > 0
    assert [alert.num for alert in taken.alerts] == sorted(alert.num for alert in taken.alerts)
