"""Sources under their contract: good ones, and one for each promise that is not kept."""

import itertools
import threading
from pathlib import Path

import pytest

from falco import Source, SourceError
from falco.testing import SourceContract

ITEMS = list(range(10))


class Numbers(Source[list[int]]):
    """Numbers, three a batch."""

    event_source = "numbers"

    def __init__(self, items=ITEMS, place=None):
        super().__init__({}, "")
        self.items, self.place, self.refused = items, {} if place is None else place, 0

    def batches(self):
        for start in range(self.place.get("next", 0), len(self.items), 3):
            if self.is_closed:
                return
            yield self.items[start : start + 3]
            self.place["next"] = start + 3

    def counters(self):
        return {"refused": self.refused}


class Damaged(Numbers):
    def batches(self):
        self.refused += 1
        yield from super().batches()


class _Contract(SourceContract):
    Plugin = Numbers

    @pytest.fixture
    def make_source(self):
        return self.Plugin

    @pytest.fixture
    def make_damaged_source(self):
        return Damaged


class TestGood(_Contract):
    pass


class TestGoodThatResumes(_Contract):
    resumes = True

    @pytest.fixture
    def make_source(self, request):
        place = {}
        shared = request.function.__name__ == "test_goes_on_where_it_was_after_a_crash"
        return lambda: Numbers(place=place if shared else {})


class Endless(Numbers):
    def batches(self):
        while not self.is_closed:
            yield [1]


class TestGoodThatIsEndless(_Contract):
    is_endless = True
    Plugin = Endless


class TestNameless(_Contract):
    breaks = "test_names_its_event_source"

    class Plugin(Numbers):
        event_source = "numbers "


class TestSleepy(_Contract):
    breaks = "test_comes_back_in_time"
    patience_s = 0.2

    @pytest.fixture
    def make_source(self):
        awake = threading.Event()

        class Sleepy(Numbers):
            def batches(self):
                awake.wait()
                yield [1]

        threading.Timer(0.6, awake.set).start()
        return Sleepy


class TestDeaf(_Contract):
    breaks = "test_close_ends_batches_at_the_next_resume"

    class Plugin(Numbers):
        def close(self):
            pass


class TestEager(_Contract):
    breaks = "test_may_be_closed_again_and_before_it_begins"

    class Plugin(Numbers):
        def batches(self):
            yield self.items[:3]
            if not self.is_closed:
                yield self.items[3:]


class TestForgetful(_Contract):
    breaks = "test_same_input_gives_same_events"
    count = itertools.count()

    class Plugin(Numbers):
        def batches(self):
            yield [next(TestForgetful.count)]


class TestSplitInHalves(_Contract):
    breaks = "test_parts_cover_the_input_once"

    class Plugin(Numbers):
        def split(self, parts):
            return [Numbers(self.items[:5]), Numbers(self.items[4:])]


class TestDistracted(_Contract):
    breaks = "test_reload_between_batches_loses_nothing"

    class Plugin(Numbers):
        focused = 0

        def focus(self, rules):
            self.focused += 1

        def batches(self):
            for number in self.items:
                if self.focused != 3:
                    yield [number]


class TestHasty(_Contract):
    breaks = "test_goes_on_where_it_was_after_a_crash"
    resumes = True

    class Hasty(Numbers):
        def batches(self):
            for start in range(self.place.get("next", 0), len(self.items), 3):
                self.place["next"] = start + 3
                yield self.items[start : start + 3]

    @pytest.fixture
    def make_source(self):
        place = {}
        return lambda: self.Hasty(place=place)


class TestRepeating(_Contract):
    breaks = "test_goes_on_where_it_was_after_a_crash"
    resumes = True
    Plugin = Numbers


class TestLeaky(_Contract):
    breaks = "test_releases_what_it_opened"

    @pytest.fixture
    def make_source(self):
        opened = []

        class Leaky(Numbers):
            def batches(self):
                opened.append(Path(__file__).open())
                yield from super().batches()

        yield Leaky
        for file in opened:
            file.close()


class TestSkipping(_Contract):
    breaks = "test_gives_the_same_events_after_open"

    class Plugin(Numbers):
        def open(self):
            self.items = self.items[1:]


class TestClinging(_Contract):
    breaks = "test_releases_what_it_opened_and_never_read"

    @pytest.fixture
    def make_source(self):
        opened = []

        class Clinging(Numbers):
            def open(self):
                opened.append(Path(__file__).open())

        yield Clinging
        for file in opened:
            file.close()


class TestFragile(_Contract):
    breaks = "test_damaged_input_is_counted_not_raised"

    @pytest.fixture
    def make_damaged_source(self):
        class Fragile(Numbers):
            def batches(self):
                yield [1]
                raise SourceError("line 2 is damaged")

        return Fragile


class TestSilent(_Contract):
    breaks = "test_damaged_input_is_counted_not_raised"

    @pytest.fixture
    def make_damaged_source(self):
        return Numbers
