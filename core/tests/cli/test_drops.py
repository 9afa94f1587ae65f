from dataclasses import dataclass

import pytest
import structlog

from falco import Event, EventList
from falco.cli.drops import DropMonitor, TokenBucket, Watched
from falco.clock import NS
from falco.config.settings import SyscallEventDrops
from falco.errors import SourceError
from falco.ruleset import Ruleset


@dataclass(slots=True)
class Tick(Event):
    pass


class Collected(list):
    def emit(self, alert, *, wait, keep=False):
        self.append(alert)

    def settle(self):
        pass


class Kernel:
    """Counts as it is told."""

    def __init__(self):
        self.counted = {}

    def __call__(self):
        return self.counted


def monitor(kernel, **wanted):
    emitted = Collected()
    return DropMonitor(SyscallEventDrops(**wanted), kernel, emitted), emitted


def seconds(watch, kernel, *counts):
    """A look each second and a bit, the kernel having counted (events, drops) until then."""
    goes_on = [watch.look(NS)]
    for number, (events, drops) in enumerate(counts, 1):
        kernel.counted = {"n_evts": events, "n_drops": drops}
        goes_on.append(watch.look(NS + number * (NS + 1)))
    return goes_on


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate():
    bucket = TokenBucket(0.5, 2)

    assert [bucket.claim(0) for _ in range(3)] == [True, True, False]
    assert [bucket.claim(second * NS) for second in (1, 2, 3, 4)] == [False, True, False, True]
    assert [bucket.claim(1000 * NS) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_takes_no_token():
    bucket = TokenBucket(1, 1)

    assert bucket.claim(10 * NS)
    assert not bucket.claim(5 * NS)
    assert bucket.claim(6 * NS)


def test_only_what_was_dropped_since_the_last_look_counts_and_only_above_the_threshold():
    kernel = Kernel()
    watch, emitted = monitor(kernel, actions=("alert",), threshold=0.1, max_burst=10)

    seconds(watch, kernel, (100, 10), (200, 21), (300, 21), (400, 100))

    assert (watch.occurrences, watch.actions, watch.dropped) == (2, 2, 11 + 79)
    told = [dict(zip([name for name, _ in one.template.fields], one.values, strict=True)) for one in emitted]
    assert [(one["n_evts"], one["n_drops"]) for one in told] == [("100", "11"), ("100", "79")]
    assert emitted[0].template.rule == "Falco internal: syscall event drop"
    assert emitted[0].template.message == (
        "Falco internal: syscall event drop. 11 system calls dropped in last second.",
    )


def test_nothing_is_looked_at_more_often_than_once_a_second():
    kernel = Kernel()
    watch, _ = monitor(kernel, threshold=0)
    watch.look(NS)
    kernel.counted = {"n_evts": 1, "n_drops": 1}

    assert watch.look(2 * NS)
    assert watch.occurrences == 0
    watch.look(2 * NS + 1)
    assert watch.occurrences == 1


def test_what_the_bucket_does_not_allow_is_counted_but_not_acted_upon():
    kernel = Kernel()
    watch, emitted = monitor(kernel, actions=("alert",), threshold=0, rate=0.03333, max_burst=1)

    seconds(watch, kernel, (1, 1), (2, 2), (3, 3))

    assert (watch.occurrences, watch.actions, len(emitted)) == (3, 1, 1)


def test_ignored_drops_are_counted():
    kernel = Kernel()
    watch, emitted = monitor(kernel, actions=("ignore",), threshold=0)

    assert all(seconds(watch, kernel, (1, 1)))
    assert (watch.occurrences, watch.actions, emitted) == (1, 1, [])


def test_drops_are_logged():
    kernel = Kernel()
    watch, emitted = monitor(kernel, actions=("log",), threshold=0)

    with structlog.testing.capture_logs() as logged:
        assert all(seconds(watch, kernel, (5, 3)))

    assert [line["event"] for line in logged] == [
        "Falco internal: syscall event drop. 3 system calls dropped in last second."
    ]
    assert emitted == []


def test_exit_ends_the_source_after_the_other_actions():
    kernel = Kernel()
    watch, emitted = monitor(kernel, actions=("alert", "exit"), threshold=0)

    with structlog.testing.capture_logs() as logged:
        assert seconds(watch, kernel, (5, 3)) == [True, False]

    assert len(emitted) == 1
    assert logged[-1]["event"] == "Exiting."


def ticks(*times_s):
    return [Tick(time_ns=time_s * NS) for time_s in times_s]


def test_a_simulation_looks_at_every_event_by_its_time_and_shows_the_rules_what_they_would_see():
    watch, emitted = monitor(dict, actions=("alert",), max_burst=10, simulate_drops=True)
    decoder, rules = EventList(), Ruleset([], first_only=True)
    watched = Watched(decoder, watch)

    shown = list(watched.select(ticks(10, 11, 12, 12, 20), rules))

    assert [event.time_ns // NS for _, event in shown] == [10, 11, 12, 12, 20]
    assert all(list(residual(event)) == [] for residual, event in shown)
    assert [one.time_ns // NS for one in emitted] == [12, 20]
    assert (watched.count, watched.start_ns) == (5, 10 * NS)


def test_a_simulation_that_exits_ends_at_the_event():
    watch, _ = monitor(dict, actions=("exit",), simulate_drops=True)
    seen = []

    with pytest.raises(SourceError, match="syscall_event_drops"):
        seen.extend(
            event.time_ns // NS
            for _, event in Watched(EventList(), watch).select(ticks(10, 12, 13), Ruleset([], first_only=True))
        )

    assert seen == [10]


def test_without_a_simulation_the_candidates_are_those_of_the_decoder_and_the_clock_counts():
    kernel = Kernel()
    watch, _ = monitor(kernel, threshold=0)
    rules = Ruleset([], first_only=True)
    watched = Watched(EventList(), watch)

    assert [event.num for _, event in watched.select(ticks(10, 20), rules)] == [1, 2]
    assert watch.occurrences == 0
