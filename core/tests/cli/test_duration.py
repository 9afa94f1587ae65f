import threading
from dataclasses import dataclass

from falco import Event, EventList
from falco.cli.duration import Limited, ending_after
from falco.clock import NS


@dataclass(slots=True)
class Tick(Event):
    pass


class Everything:
    everything = object()


def limited(seconds, closed):
    decoder = Limited(EventList(), seconds, lambda: closed.append(True))
    return decoder


def times(decoder, *seconds):
    batch = [Tick(time_ns=second * NS) for second in seconds]
    return [event.time_ns // NS for _, event in decoder.select(batch, Everything)]


def test_an_event_beyond_the_limit_ends_the_source_and_is_left_out():
    closed = []
    decoder = limited(10, closed)

    assert times(decoder, 100, 110, 111, 105) == [100, 110]
    assert closed
    assert times(decoder, 101) == []


def test_the_limit_counts_from_the_first_event_over_all_batches():
    closed = []
    decoder = limited(10, closed)

    assert times(decoder, 100) == [100]
    assert times(decoder, 109) == [109]
    assert closed == []
    assert times(decoder, 111) == []
    assert closed


def test_the_clock_ends_a_source_whatever_it_does():
    ended = threading.Event()
    with ending_after(1, ended.set):
        assert ended.wait(30)


def test_no_limit_and_a_run_that_is_over_ends_nothing():
    ended = threading.Event()
    with ending_after(0, ended.set), ending_after(3600, ended.set):
        pass

    assert not ended.is_set()
    assert "duration" not in [thread.name for thread in threading.enumerate()]
