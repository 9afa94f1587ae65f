"""Several processes say what one would, in the same order and with the same numbers.

Faults put into the code by hand, one at a time, and found by these tests: numbers of the part · events of a part not
added · parts in any order · what a process counted for its earlier parts counted again · the error of a part lost · a
death not noticed · processes waited for at the end · the part in hand not closed · the decoder keeps the last report.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falco.alerts import Alert
from falco.conditions.checked import TRUE, Check, Condition, Operator, Transformed
from falco.conditions.transformers import BUILT_IN
from falco.errors import SourceError
from falco.fields import Field, FieldType, FieldUse
from falco.pipeline import JobsResult, Pipeline, run_jobs, workers
from falco.pipeline.workers import Found, Work, Worker
from falco.ruleset import Ruleset
from falco.sources import EventList
from falco.templates.model import Template, Token
from falco.testing.ranges import Range, build
from falco.testing.records import Record, rule


class Taken:
    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        assert wait
        self.alerts.append(alert)

    def settle(self) -> None:
        raise AssertionError("nothing acknowledges")


def made(source: Range, **options: bool) -> tuple[Pipeline[Any, Record], Taken, list[str]]:
    taken, reports = Taken(), list[str]()
    return Pipeline(source, *build(**options), taken, reports.append), taken, reports


def one_process(source: Range, **options: bool) -> tuple[Pipeline[Any, Record], Taken]:
    pipeline, taken, _ = made(source, **options)
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


@pytest.mark.timeout(60)
def test_modules_in_the_current_directory_are_not_those_of_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("multiprocessing", "falco"):
        (tmp_path / f"{name}.py").write_text(f"open({name!r}, 'w').close()\nraise ImportError")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    mark = tmp_path / "second part is done"
    pipeline, _, _ = made(Range(0, 200, meets=str(mark)))

    assert run_jobs(pipeline, build, jobs=2, parts=8).count == 200
    mark.unlink(missing_ok=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["falco.py", "multiprocessing.py"]
    assert "PYTHONSAFEPATH" not in os.environ


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
    with pytest.raises(SourceError, match=r"a scanning process died while it read codes \d+ to \d+: exit code 9"):
        run_jobs(pipeline, build, jobs=2, parts=4)


def outcome_of_worker(build: Any) -> Any:
    """What the first item is of a part that a worker alone has."""
    work = Work([Range(0, 1)], ahead=1)
    worker = Worker(multiprocessing.get_context("spawn"), build, work)
    try:
        return work.item(0, wait=True)
    finally:
        work.end()
        worker.close()


@pytest.mark.timeout(60)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_process_that_is_killed_is_said_with_the_signal_and_what_to_do() -> None:
    found = outcome_of_worker(functools.partial(signal.raise_signal, signal.SIGKILL))

    assert found.sentence == (
        "a scanning process died while it started: killed by SIGKILL; out of memory? Try fewer --jobs"
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_fault_in_a_part_is_told_with_its_place_after_the_alerts_of_what_came_before(jobs: int) -> None:
    pipeline, taken, reports = made(Range(0, 200, breaks_at=150))
    with pytest.raises(SourceError, match=r"scanning codes 112 to 200 failed: ZeroDivisionError: 150"):
        run_jobs(pipeline, build, jobs=jobs, parts=4)
    _, expected = one_process(Range(0, 150))

    assert taken.alerts == expected.alerts
    assert reports[0].startswith("Traceback (most recent call last):")
    assert "raise ZeroDivisionError(code)" in reports[0]


@pytest.mark.timeout(60)
def test_a_process_that_cannot_be_built_says_why() -> None:
    found = outcome_of_worker(functools.partial(build, is_broken=True))

    assert found.sentence == "the start of a scanning process failed: ZeroDivisionError: cannot be built"
    assert "in build" in found.details


@pytest.mark.timeout(60)
def test_values_that_cannot_be_sent_are_told(tmp_path: Path) -> None:
    pipeline, _, _ = made(Range(0, 200, meets=str(tmp_path / "a part is done")))
    with pytest.raises(SourceError, match=r"sending the alerts of codes \d+ to \d+ failed: TypeError: a value that"):
        run_jobs(pipeline, functools.partial(build, is_unsendable=True), jobs=2, parts=4)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("jobs", [2, 3])
def test_what_waits_in_memory_is_bounded_when_every_event_alerts(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    real = Work.put

    def put(self: Work, number: int, item: Any, size: int = 0) -> None:
        nonlocal most
        real(self, number, item, size)
        most = max(most, *self._sizes.values())
        if isinstance(item, Found):
            assert len(item.alerts) <= 96

    monkeypatch.setattr(Work, "put", put)
    monkeypatch.setattr(workers, "_BYTES", 20_000)
    monkeypatch.setattr("falco.pipeline.jobs._KEPT", 64)
    _, expected = one_process(Range(0, 40_000), is_dense=True)
    pipeline, taken, _ = made(Range(0, 40_000), is_dense=True)
    run_jobs(pipeline, functools.partial(build, is_dense=True), jobs=jobs, parts=8)

    assert taken.alerts == expected.alerts
    assert 0 < most < 50_000


@pytest.mark.timeout(60)
def test_a_worker_waits_until_its_alerts_are_taken() -> None:
    work = Work([Range(0, 1)], ahead=1)
    work.put(0, Found([], None), size=workers._BYTES + 1)
    thread = threading.Thread(target=work.put, args=(0, Found([], None)))
    thread.start()
    thread.join(0.2)

    assert thread.is_alive()
    assert work.item(0) == Found([], None)
    thread.join()


def use(name: str) -> FieldUse:
    return FieldUse(name, None, Field(name, lambda _argument: lambda event: event.num, FieldType.UINT64))


def positional(condition: Condition, *shown: Any) -> tuple[str, ...]:
    output = Template(tuple(Token(operand, None) for operand in shown))
    return Ruleset([replace(rule(0, condition), output=output)], first_only=True).positional


def test_rules_that_ask_where_an_event_stands_are_known() -> None:
    num, other = use("evt.num"), use("x.code")
    definition = BUILT_IN["toupper"]
    upper = Transformed("toupper", (use("evt.reltime"),), None, FieldType.STRING, is_list=False, definition=definition)

    assert positional(Check(num, Operator.GT, (5,))) == ("rule 0",)
    assert positional(Check(other, Operator.EQ, num)) == ("rule 0",)
    assert positional(TRUE, upper) == ("rule 0",)
    assert positional(TRUE, num, other) == ()
    assert positional(Check(other, Operator.GT, (5,)), num) == ()
    assumed = Ruleset([rule(0, Check(num, Operator.EQ, (0,)))], assume=lambda _check: False, first_only=True)
    assert assumed.positional == ()


def test_rules_that_ask_where_an_event_stands_are_evaluated_by_one_process() -> None:
    num = use("evt.num")
    taken, reports = Taken(), list[str]()
    rules = Ruleset([rule(0, Check(num, Operator.GT, (150,)))], first_only=True)
    pipeline = Pipeline(Range(0, 200), EventList[Record](), rules, taken, reports.append)
    run_jobs(pipeline, build, jobs=2, parts=4)

    assert [alert.num for alert in taken.alerts] == list(range(151, 201))
    assert reports == [
        (
            "one process does the work of 2: rule 'rule 0' asks for the number of an event or its time since the first, "
            "which takes all events before it"
        )
    ]


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
