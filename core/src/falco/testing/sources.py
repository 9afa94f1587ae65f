r"""The contract of a source, as tests to inherit.

    class TestMySource(SourceContract):
        @pytest.fixture
        def make_source(self, tmp_path):
            path = tmp_path / "log"
            path.write_text("a\\nb\\n")
            return lambda: MySource({}, str(path))

A source that never ends by itself sets ``is_endless``; only what can be asked of it is then tested.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from falco.sources import Source
from falco.testing.inputs import flatten, open_files

_PATIENCE_S = 10.0
"""How long a source may take to come back; the contract says once a second."""
MakeSource = Callable[[], Source[Any]]


class SourceContract:
    """What the engine relies on; inherit, give the fixture ``make_source``."""

    is_endless: ClassVar[bool] = False

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

        assert done.wait(_PATIENCE_S), "batches() did not come back: yield an empty batch at least once a second"
        source.close()
        thread.join(_PATIENCE_S)

    def test_close_ends_batches_at_the_next_resume(self, make_source: MakeSource) -> None:
        source = make_source()
        batches = source.batches()
        next(batches, None)
        closer = threading.Thread(target=source.close)
        closer.start()
        closer.join(_PATIENCE_S)
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

        first, second = (flatten(make_source().batches()) for _ in range(2))

        assert first, "the source yields no event: give make_source some input"
        assert len(first) == len(second)

    def test_parts_cover_the_input_once(self, make_source: MakeSource) -> None:
        if self.is_endless:
            pytest.skip("an endless source is not split")
        whole = flatten(make_source().batches())
        parts = [event for part in make_source().split(3) for event in flatten(part.batches())]

        assert len(parts) == len(whole), "the parts of split() lose or repeat events"

    def test_releases_what_it_opened(self, make_source: MakeSource) -> None:
        before = open_files()
        batches = make_source().batches()
        next(batches, None)
        batches.close()  # type: ignore[attr-defined]  # see above

        assert open_files() <= before, "files stay open after batches() was closed"

    def test_damaged_input_is_counted_not_raised(self, make_damaged_source: MakeSource) -> None:
        source = make_damaged_source()
        flatten(source.batches())

        assert sum(source.counters().values()) > 0, "damaged input is not counted in counters()"
