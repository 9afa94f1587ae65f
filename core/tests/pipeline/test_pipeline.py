"""The hot loop: reload, acknowledgement, poison events, order with reused events, the end of a source.

Faults put into the code by hand, one at a time, and found by these tests: rules read once · the source not told of new
rules · nothing settles · a poison event ends the source · candidates collected before they are evaluated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.alerts import Alert
from falco.conditions.checked import Check, Condition, FieldUse, Operator
from falco.errors import SourceError
from falco.fields import FieldType
from falco.pipeline import Pipeline, evaluate
from falco.ruleset import Residual, Ruleset
from falco.ruleset.compiled import _Classes
from falco.sources import Decoder, EventList, Source
from falco.testing.records import DISPATCH, Record, record_field, rule

PATIENCE_S = 20.0
VERB, NAME = (FieldUse(name, None, record_field(name)) for name in ("x.verb", "x.name"))


def _poison(_argument: str | None) -> Callable[[Record], Any]:
    def read(event: Record) -> Any:
        if event.values.get("poison"):
            raise ZeroDivisionError("poison")
        return event.values.get("x.verb")

    return read


POISONED = FieldUse("x.poisoned", None, record_field("x.poisoned", FieldType.STRING).__class__("x.poisoned", _poison))


def verb_is(text: str, use: FieldUse = VERB) -> Condition:
    return Check(use, Operator.EQ, (text,))


def ruleset(*conditions: Condition, prefix: str = "rule", first_only: bool = False) -> Ruleset[Record]:
    rules = [rule(i, condition, NAME, name=f"{prefix} {i}") for i, condition in enumerate(conditions)]
    return Ruleset(rules, dispatch=DISPATCH, first_only=first_only)


def record(verb: str, name: str = "n", **values: Any) -> Record:
    return Record(values={"x.verb": verb, "x.name": name, **values})


class Scripted(Source[Sequence[Record]]):
    """Yields given batches; runs ``after(i)`` when resumed after batch *i*; notes what it is told."""

    event_source = "record"

    def __init__(self, batches: Iterable[Sequence[Record]], after: Callable[[int], object] = lambda _i: None) -> None:
        super().__init__({}, "")
        self._batches = batches
        self._after = after
        self.done: list[int] = []
        self.focused: list[Ruleset[Any]] = []
        self.is_closed = False

    def batches(self) -> Iterator[Sequence[Record]]:
        for i, batch in enumerate(self._batches):
            yield batch
            self.done.append(i)
            self._after(i)
            if self.is_closed:
                return

    def focus(self, rules: Ruleset[Any]) -> None:
        self.focused.append(rules)

    def close(self) -> None:
        self.is_closed = True


class Acknowledging(Scripted):
    acknowledges = True


class Live(Scripted):
    can_wait = False


class Taken:
    """Notes alerts and how they were emitted."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.how: list[tuple[bool, bool]] = []
        self.settled_at: list[int] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        self.alerts.append(alert)
        self.how.append((wait, keep))

    def settle(self) -> None:
        self.settled_at.append(len(self.alerts))

    @property
    def said(self) -> list[tuple[int, str]]:
        return [(alert.num, alert.template.rule) for alert in self.alerts]


def pipeline(
    source: Scripted, rules: Ruleset[Record], decoder: Any = None
) -> tuple[Pipeline[Any, Record], Taken, list[str]]:
    taken, reports = Taken(), list[str]()
    return Pipeline(source, decoder or EventList(), rules, taken, reports.append), taken, reports


def test_alerts_come_in_the_order_of_events_and_rules() -> None:
    rules = ruleset(verb_is("get"), Check(VERB, Operator.EXISTS))
    made, taken, _ = pipeline(Scripted([[record("get"), record("list")], [], [record("get")]]), rules)
    made.run()

    assert taken.said == [(1, "rule 0"), (1, "rule 1"), (2, "rule 1"), (3, "rule 0"), (3, "rule 1")]
    assert made.statistics.by_rule() == {"rule 0": 2, "rule 1": 3}
    assert taken.how == [(True, False)] * 5


def test_only_the_first_rule_that_matches() -> None:
    rules = ruleset(verb_is("get"), Check(VERB, Operator.EXISTS), first_only=True)
    made, taken, _ = pipeline(Scripted([[record("get"), record("list")]]), rules)
    made.run()

    assert taken.said == [(1, "rule 0"), (2, "rule 1")]


def test_reload_is_in_force_from_the_next_batch_and_loses_nothing() -> None:
    old, new = ruleset(verb_is("get"), prefix="old"), ruleset(verb_is("create"), prefix="new")
    batch = [record("get"), record("create")]
    source = Scripted([batch] * 4, lambda i: setattr(made, "rules", new) if i == 1 else None)
    made, taken, _ = pipeline(source, old)
    made.run()

    assert taken.said == [(1, "old 0"), (3, "old 0"), (6, "new 0"), (8, "new 0")]
    assert source.focused == [old, new]


def test_reload_within_a_batch_does_not_change_that_batch() -> None:
    old, new = ruleset(verb_is("get"), prefix="old"), ruleset(verb_is("get"), prefix="new")

    def batch() -> Iterator[Record]:
        yield record("get")
        made.rules = new
        yield record("get")

    class Streamed(EventList[Record]):
        def select(self, batch: Any, rules: Any) -> Any:
            for event in batch:
                self.count += 1
                event.num = self.count
                yield rules.everything, event

    made, taken, _ = pipeline(Scripted([batch(), [record("get")]]), old, Streamed())  # type: ignore[list-item]
    made.run()

    assert taken.said == [(1, "old 0"), (2, "old 0"), (3, "new 0")]


def test_an_acknowledging_source_is_resumed_after_its_alerts_left() -> None:
    source = Acknowledging([[record("get")] * 2, [record("get")], []])
    made, taken, _ = pipeline(source, ruleset(verb_is("get")))
    settled: list[tuple[int, list[int]]] = []
    settle = taken.settle
    taken.settle = lambda: (settled.append((len(taken.alerts), list(source.done))), settle())  # type: ignore[method-assign,assignment,func-returns-value]
    made.run()

    assert settled == [(2, []), (3, [0]), (3, [0, 1])]
    assert taken.how == [(True, True)] * 3


def test_a_source_that_cannot_wait_never_does() -> None:
    made, taken, _ = pipeline(Live([[record("get")]]), ruleset(verb_is("get")))
    made.run()

    assert taken.how == [(False, False)]


def test_a_poison_event_is_counted_and_said_and_the_others_are_evaluated() -> None:
    events = [record("get", poison=i % 3 == 0) for i in range(40)]
    made, taken, reports = pipeline(Acknowledging([events]), ruleset(verb_is("get", POISONED)))
    made.run()

    assert [num for num, _ in taken.said] == [i + 1 for i in range(40) if i % 3]
    assert made.failures == 14
    assert reports == [
        "record: event 1 could not be evaluated: ZeroDivisionError: poison (1 such events so far)",
        "record: event 28 could not be evaluated: ZeroDivisionError: poison (10 such events so far)",
    ]
    assert taken.settled_at == [len(taken.alerts)]


def test_a_source_that_fails_says_so_after_what_came_before() -> None:
    def batches() -> Iterator[list[Record]]:
        yield [record("get")]
        raise SourceError("cannot read on")

    made, taken, _ = pipeline(Scripted(batches()), ruleset(verb_is("get")))
    with pytest.raises(SourceError, match="cannot read on"):
        made.run()

    assert taken.said == [(1, "rule 0")]


def test_a_closed_source_ends_when_its_batch_is_done() -> None:
    source = Scripted([[record("get")]] * 9, lambda i: source.close() if i == 2 else None)
    made, taken, _ = pipeline(source, ruleset(verb_is("get")))
    made.run()

    assert len(taken.said) == 3


class Dispatching(Decoder[Sequence[Record], Record]):
    """Looks every event up by the verb."""

    event_source = "record"

    def select(self, batch: Sequence[Record], rules: Ruleset[Record]) -> Iterator[tuple[Residual[Record], Record]]:
        for event in batch:
            residual = rules.table[event.values["x.verb"], *[None] * (len(DISPATCH) - 1)]
            if residual is not None:
                yield residual, event


def test_too_many_kinds_of_events_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Classes, "CAPACITY", 3)
    taken, reports = Taken(), list[str]()
    source = Scripted([[record(f"{i}"), record(f"{i}a")] for i in range(6)])
    Pipeline(source, Dispatching(), ruleset(*[verb_is(f"{i}") for i in range(6)]), taken, reports.append).run()

    assert len(taken.alerts) == 6
    assert reports == [
        (
            "record: rules tell more than 3 kinds of events apart by the fields they are dispatched on: further ones "
            "are decided by all rules, which is slower"
        )
    ]


class Reusing(Decoder[Sequence[str], Record]):
    """One event object for all events, and state that moves on: a name is a file until it is closed."""

    event_source = "record"
    dispatch = DISPATCH

    def __init__(self) -> None:
        self.event = Record(values={})
        self.open: dict[str, int] = {}

    def select(self, batch: Sequence[str], rules: Ruleset[Record]) -> Iterator[tuple[Residual[Record], Record]]:
        for word in batch:
            self.count += 1
            verb, _, name = word.partition(" ")
            if verb == "open":
                self.open[name] = self.count
            self.event.num = self.count
            self.event.values = {"x.verb": verb, "x.name": f"{name}@{self.open.get(name, 0)}"}
            if (residual := rules.table[verb, None, None, None]) is not None:
                yield residual, self.event
            if verb == "close":
                self.open.pop(name, None)


@given(
    st.lists(st.tuples(st.sampled_from(["open", "close", "read"]), st.sampled_from("ab")), max_size=12),
    st.integers(1, 4),
)
def test_rules_see_the_state_at_their_event(steps: list[tuple[str, str]], size: int) -> None:
    words = [f"{verb} {name}" for verb, name in steps]
    batches = [words[i : i + size] for i in range(0, len(words), size)]
    made, taken, _ = pipeline(Scripted(batches), ruleset(verb_is("close"), verb_is("read")), Reusing())  # type: ignore[arg-type]
    made.run()
    expected, opened = [], dict[str, int]()
    for num, (verb, name) in enumerate(steps, 1):
        if verb == "open":
            opened[name] = num
        else:
            expected.append((num, f"{name}@{opened.get(name, 0)}"))
        if verb == "close":
            opened.pop(name, None)

    assert [(alert.num, alert.values[0]) for alert in taken.alerts] == expected
    assert made.decoder.count == len(steps)


def test_candidates_are_valid_one_at_a_time() -> None:
    pairs = list(Reusing().select(["open a", "close a"], ruleset(Check(VERB, Operator.EXISTS))))

    assert pairs[0][1] is pairs[1][1]


def test_evaluate_gives_the_alerts_of_one_batch() -> None:
    decoder, rules = Reusing(), ruleset(verb_is("close"))
    first = evaluate(decoder, ["open a", "close a", "close b"], rules)
    second = evaluate(decoder, ["close a"], rules)

    assert [(alert.num, alert.values[0]) for alert in first] == [(2, "a@1"), (3, "b@0")]
    assert [alert.num for alert in second] == [4]


def test_sources_share_a_ruleset() -> None:
    rules = ruleset(*[verb_is(f"{i}") for i in range(50)])
    made = [pipeline(Scripted([[f"{i} x" for i in range(50)]] * 20), rules, Reusing()) for _ in range(4)]  # type: ignore[list-item]
    threads = [threading.Thread(target=each.run) for each, _, _ in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    for each, taken, _ in made:
        assert taken.said == [(num, f"rule {(num - 1) % 50}") for num in range(1, 1001)]
        assert each.failures == 0
