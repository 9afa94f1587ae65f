r"""The contract of a source, as tests to inherit.

    class TestMySource(SourceContract):
        @pytest.fixture
        def make_source(self, tmp_path):
            path = tmp_path / "log"
            path.write_text("a\\nb\\n")
            return lambda: MySource({}, str(path))

A source that never ends by itself sets ``is_endless``; only what can be asked of it is then tested.  One that goes on
where it was when it died (a bookmark, offsets of a group of consumers) sets ``resumes``, and ``make_source`` then
shares what remembers the place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, ClassVar

import pytest

from falco.sources import Source
from falco.testing.passing import passing_rules
from falco.testing.process import open_files

MakeSource = Callable[[], Source[Any]]


class SourceContract:
    """What the engine relies on; inherit, give the fixture ``make_source``."""

    is_endless: ClassVar[bool] = False
    """Whether the source goes on until it is closed."""
    patience_s: ClassVar[float] = 10.0
    """How long the source may take to come back before that is a failure; ``Source.batches`` says once a second."""
    resumes: ClassVar[bool] = False
    """Whether a new source goes on behind the last batch that was done with."""

    def items(self, batch: Any) -> Iterable[Any]:
        """What is in *batch*, in a form that can be compared and is the same whenever the input is read.

        Override it if batches cannot be iterated over, or if their items hold the time of reading.
        """
        items: Iterable[Any] = batch
        return items

    @pytest.fixture
    def make_source(self) -> MakeSource:
        """A function that makes a fresh source over the same input, each time it is called."""
        raise NotImplementedError("give the fixture make_source")

    @pytest.fixture
    def make_damaged_source(self) -> MakeSource:
        """A function that makes a source whose input is damaged somewhere; leave it out if nothing can be."""
        pytest.skip("the source declares no damaged input")

    def test_names_its_event_source(self, make_source: MakeSource) -> None:
        name = make_source().event_source

        assert name, "event_source is empty"
        assert name == name.strip()

    def test_comes_back_in_time(self, make_source: MakeSource) -> None:
        source = make_source()
        done = threading.Event()

        def resume() -> None:
            batches = source.batches()
            for _ in range(2):
                next(batches, None)
            batches.close()  # type: ignore[attr-defined]  # a generator, or the attribute error says so
            done.set()

        thread = threading.Thread(target=resume, daemon=True)
        thread.start()

        assert done.wait(self.patience_s), "batches() did not come back: yield an empty batch at least once a second"
        source.close()
        thread.join(self.patience_s)

    def test_close_ends_batches_at_the_next_resume(self, make_source: MakeSource) -> None:
        source = make_source()
        batches = source.batches()
        next(batches, None)
        closer = threading.Thread(target=source.close)
        closer.start()
        closer.join(self.patience_s)
        rest = [batch for _, batch in zip(range(3), batches, strict=False)]

        assert len(rest) <= 1, "batches() went on after close()"

    def test_may_be_closed_again_and_before_it_begins(self, make_source: MakeSource) -> None:
        source = make_source()
        source.close()
        source.close()

        assert [len(b) for b in source.batches() if len(b)] == [], "a source that was closed yields events"

    def test_same_input_gives_same_events(self, make_source: MakeSource) -> None:
        if self.is_endless:
            pytest.skip("an endless source is not read to its end")

        first, second = (self._items(make_source()) for _ in range(2))

        assert first, "the source yields no event: give make_source some input"
        assert first == second, "the same input was read twice and gave different events"

    def test_parts_cover_the_input_once(self, make_source: MakeSource) -> None:
        if self.is_endless:
            pytest.skip("an endless source is not split")
        whole = self._items(make_source())
        parts = [item for part in make_source().split(3) for item in self._items(part)]

        assert parts == whole, "the parts of split() lose, repeat or reorder events"

    def test_reload_between_batches_loses_nothing(self, make_source: MakeSource) -> None:
        if self.is_endless:
            pytest.skip("an endless source is not read to its end")
        expected = self._items(make_source())
        source = make_source()
        source.focus(passing_rules())
        found: list[Any] = []
        for batch in source.batches():
            found += self.items(batch)
            source.focus(passing_rules())

        assert found == expected, "rules that every event matches were put in force, and events are missing or repeated"

    def test_goes_on_where_it_was_after_a_crash(self, make_source: MakeSource) -> None:
        if not self.resumes:
            pytest.skip("the source does not remember where it was")
        crashed = make_source()
        batches = _filled(crashed.batches())
        done, in_hand = next(batches, ()), next(batches, ())
        assert in_hand, "give make_source enough input for two batches"
        batches.close()  # as a crash: what is in hand was never done with
        expected = list(self.items(in_hand))
        again: list[Any] = []
        for batch in _filled(make_source().batches()):
            again += self.items(batch)
            if len(again) >= len(expected):
                break

        assert again[: len(expected)] == expected, (
            f"after a crash the source must begin with the batch that was in hand, behind {len(done)} that were done: "
            "commit right after the yield, not before it"
        )

    def test_releases_what_it_opened(self, make_source: MakeSource) -> None:
        before = open_files()
        batches = make_source().batches()
        next(batches, None)
        batches.close()  # type: ignore[attr-defined]  # see above

        assert open_files() <= before, "files stay open after batches() was closed"

    def test_gives_the_same_events_after_open(self, make_source: MakeSource) -> None:
        if self.is_endless:
            pytest.skip("an endless source is not read to its end")
        expected = self._items(make_source())
        source = make_source()
        source.open()

        assert self._items(source) == expected, "batches() after open() gives other events than without it"

    def test_releases_what_it_opened_and_never_read(self, make_source: MakeSource) -> None:
        before = open_files()
        source = make_source()
        source.open()
        source.close()

        assert [len(b) for b in source.batches() if len(b)] == [], "a source that was closed yields events"
        assert open_files() <= before, "files stay open after open() and close(): let batches() release them"

    def test_damaged_input_is_counted_not_raised(self, make_damaged_source: MakeSource) -> None:
        source = make_damaged_source()
        for _ in source.batches():
            pass

        assert sum(source.counters().values()) > 0, "damaged input is not counted in counters()"

    def _items(self, source: Source[Any]) -> list[Any]:
        return [item for batch in source.batches() for item in self.items(batch)]


def _filled(batches: Iterator[Any]) -> Generator[Any]:
    """The batches that are not empty; closing it closes *batches*."""
    try:
        for batch in batches:
            if len(batch):
                yield batch
    finally:
        batches.close()  # type: ignore[attr-defined]  # a generator, as above
