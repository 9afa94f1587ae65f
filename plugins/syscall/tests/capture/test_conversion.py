"""The plans are compared with the rules applied step by step, as they are written."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture import conversion
from falco_syscall.capture.conversion import KEPT_ENTERS, Converter, Fate, plan, stored_codes
from falco_syscall.capture.event_table import CODES, EVENTS, SIZES, EventFlag, ParamType

RULES = {
    (code, count): (action, to, sources)
    for code, count, action, to, sources in msgspec.json.decode(
        Path(conversion.__file__).with_name("conversions.json").read_bytes()
    )["rules"]
}


class UnconvertibleError(Exception):
    pass


def step_by_step(
    code: int, params: list[bytes], enter: tuple[int, list[bytes]] | None
) -> tuple[int, list[bytes], bool] | None:
    """The current event and if the enter event was used; of what is stored the code is negative."""
    used = False
    for _ in range(50):
        info = EVENTS[code]
        managed = EventFlag.CONVERTER_MANAGED in info.flags
        if EventFlag.UNUSED in info.flags:
            return None
        if not managed:
            if info.is_old and info.is_enter:
                return None
            return code, params[: len(info.params)], used
        if not info.is_old and len(params) > len(info.params):
            params = params[: len(info.params)]
        if not info.is_enter and not info.is_old and len(params) == len(info.params):
            return code, params, used
        if (code, len(params)) not in RULES:
            raise UnconvertibleError
        action, to, sources = RULES[code, len(params)]
        if action == "store":
            return -code, params, used
        if action in ("pass", "store_and_pass"):
            return code, params, used
        made = list(params) if action == "add_params" else []
        for origin, number, otherwise in sources:
            kind = EVENTS[to].params[len(made)].type
            size = SIZES[kind]
            default = bytes(size or 0)
            value = default
            if origin == "old":
                value = params[number]
            elif origin == "empty":
                value = b""
            elif origin == "callback":
                value = b"json"
            elif origin == "enter":
                used = True
                value = b"" if otherwise == "empty" else default
                if enter is not None and enter[0] == code - 1 and number < len(enter[1]):
                    value = enter[1][number]
            made.append(value[:size] if size else value)
        code, params = to, made
    raise UnconvertibleError


PAIRS = [(e.code, n) for e in EVENTS for n in range(len(e.params) + 3)]
raw_params = st.lists(st.binary(max_size=10), min_size=40, max_size=40)


def check(pair: tuple[int, int], values: list[bytes], enter: tuple[int, list[bytes], int] | None) -> None:
    code, count = pair
    params = values[:count]
    way = plan(code, count)
    converter = Converter()
    stored = None
    if enter is not None:
        base = way.enter if way.enter is not None else code - 1
        stored = (max(base + enter[0] + 1, 0), enter[1][: enter[2]])
        converter._remember(stored[0], 7, stored[1])
    try:
        expected = step_by_step(code, params, stored)
    except UnconvertibleError:
        assert converter.convert(code, 7, params) is Fate.FAIL
        assert way.reason
        return
    got = converter.convert(code, 7, params)

    if expected is None:
        assert got is Fate.DROP
        return
    if expected[0] < 0 or (expected[0] == 0 and EVENTS[code].is_enter):
        assert got is Fate.STORE
        assert converter._pending[7] == (-expected[0], expected[1])
        return
    assert not isinstance(got, Fate)
    assert got[0] == expected[0]
    if code != CODES["CONTAINER_E"]:
        assert got[1] == expected[1]
    assert (way.enter is not None) == expected[2]
    if way.enter is not None and stored is not None:
        assert 7 not in converter._pending
        assert converter.wrong_enters == (stored[0] != way.enter)


VALUES = [bytes([65 + n]) * (n % 11) for n in range(40)]
ENTERED = [bytes([97 + n]) * 9 for n in range(10)]


@pytest.mark.parametrize("enter", [None, (-1, ENTERED, 8), (-1, ENTERED, 1), (0, ENTERED, 8)])
def test_every_plan_does_what_its_rules_do_one_after_the_other(enter):
    for pair in PAIRS:
        check(pair, VALUES, enter)


@given(st.sampled_from(PAIRS), raw_params, st.none() | st.tuples(st.integers(-3, 1), raw_params, st.integers(0, 8)))
def test_a_plan_does_it_with_any_values(pair, values, enter):
    check(pair, values, enter)


def test_the_current_enter_event_of_execve_serves_its_shorter_exit_event():
    converter = Converter()
    code = CODES["SYSCALL_EXECVE_19_X"]
    count = max(n for c, n in RULES if c == code and plan(c, n).enter is not None)

    entered = converter.convert(CODES["SYSCALL_EXECVE_18_E"], 1, [b"/bin/x\0"])
    _, params = converter.convert(code, 1, [b""] * count)  # type: ignore[misc]

    assert entered == (CODES["SYSCALL_EXECVE_19_E"], [b"/bin/x\0"])
    assert params[EVENTS[code].param_index("filename")] == b"/bin/x\0"
    assert converter.lost_enters == 0


def test_every_rule_belongs_to_a_plan():
    for (code, count), (action, _, _) in RULES.items():
        way = plan(code, count)

        assert way.fate is not Fate.FAIL
        if action == "store":
            assert way.fate is Fate.STORE


def test_no_chain_of_rules_takes_from_two_enter_events():
    # A plan has one place for the code of the enter event.
    for code, count in RULES:
        seen = set()
        current, n = code, count
        while (current, n) in RULES:
            action, to, sources = RULES[current, n]
            if any(origin == "enter" for origin, _, _ in sources):
                seen.add(current - 1)
            if action not in ("add_params", "change_type"):
                break
            n = len(sources) + (n if action == "add_params" else 0)
            current = to
        assert len(seen) <= 1


def test_what_survives_is_current():
    for code, count in PAIRS:
        way = plan(code, count)
        if way.fate in (Fate.PASS, Fate.CONVERT):
            info = EVENTS[way.code]
            assert way.code in KEPT_ENTERS or not info.is_old
            if EventFlag.CONVERTER_MANAGED in info.flags and way.fate is Fate.CONVERT:
                assert len(way.pieces) == len(info.params)


def test_the_enter_events_that_survive_are_those_that_state_uses():
    surviving = {
        way.code
        for code, count in PAIRS
        if (way := plan(code, count)).fate in (Fate.PASS, Fate.CONVERT)
        and EVENTS[way.code].is_enter
        and EventFlag.CONVERTER_MANAGED in EVENTS[way.code].flags
    }

    assert surviving == KEPT_ENTERS


def numbers(*values: int) -> list[bytes]:
    return [value.to_bytes(8, "little") for value in values]


def test_an_exit_event_takes_arguments_from_its_enter_event():
    converter = Converter()

    assert converter.convert(CODES["SYSCALL_CLOSE_E"], 1, numbers(3)) is Fate.STORE
    assert converter.convert(CODES["SYSCALL_CLOSE_E"], 2, numbers(4)) is Fate.STORE
    assert converter.convert(CODES["SYSCALL_CLOSE_X"], 1, numbers(0)) == (CODES["SYSCALL_CLOSE_X"], numbers(0, 3))
    assert converter.convert(CODES["SYSCALL_CLOSE_X"], 1, numbers(0)) == (CODES["SYSCALL_CLOSE_X"], numbers(0, 0))
    assert converter.convert(CODES["SYSCALL_CLOSE_X"], 2, numbers(0)) == (CODES["SYSCALL_CLOSE_X"], numbers(0, 4))
    assert (converter.lost_enters, converter.wrong_enters) == (1, 0)


def test_an_enter_event_of_another_call_counts_as_lost():
    converter = Converter()
    converter.convert(CODES["SYSCALL_READ_E"], 1, numbers(3, 4))

    assert converter.convert(CODES["SYSCALL_CLOSE_X"], 1, numbers(0)) == (CODES["SYSCALL_CLOSE_X"], numbers(0, 0))
    assert (converter.lost_enters, converter.wrong_enters) == (1, 1)


def test_an_exit_that_needs_nothing_leaves_the_enter_event_alone():
    converter = Converter()
    converter.convert(CODES["SYSCALL_CLOSE_E"], 1, numbers(3))
    converter.convert(CODES["SYSCALL_CLOSE_X"], 1, numbers(0, 9))

    assert converter.convert(CODES["SYSCALL_CLOSE_X"], 1, numbers(0))[1] == numbers(0, 3)


def test_a_value_for_a_smaller_type_is_cut():
    converter = Converter()
    converter.convert(CODES["SYSCALL_BPF_E"], 1, numbers(5))

    assert converter.convert(CODES["SYSCALL_BPF_X"], 1, numbers(3)) == (
        CODES["SYSCALL_BPF_2_X"],
        [*numbers(3), b"\5\0\0\0"],
    )


def test_no_rule_makes_somebody_root_by_default():
    # A user of which nothing is known must not become number 0.
    for (_, count), (action, to, sources) in RULES.items():
        first = count if action == "add_params" else 0
        for index, (origin, _, otherwise) in enumerate(sources, first):
            if EVENTS[to].params[index].type in (ParamType.UID, ParamType.GID):
                assert "default" not in (origin, otherwise)


def test_parameters_that_are_newer_than_the_table_are_left_out_of_current_events():
    params = [b"x"] * 8

    assert Converter().convert(CODES["SYSCALL_OPEN_X"], 1, params) == (CODES["SYSCALL_OPEN_X"], params[:6])
    assert Converter().convert(CODES["SYSCALL_OPEN_E"], 1, params) == (CODES["SYSCALL_OPEN_E"], params[:3])
    assert (
        Converter().convert(CODES["PROCEXIT_1_E"], 1, params)[1] == params[: len(EVENTS[CODES["PROCEXIT_1_E"]].params)]
    )


def test_an_old_event_with_too_many_parameters_cannot_be_converted():
    assert Converter().convert(CODES["PROCEXIT_E"], 1, [b"x"] * 3) is Fate.FAIL
    assert "PROCEXIT_E with 3 parameters" in plan(CODES["PROCEXIT_E"], 3).reason


def test_an_old_container_event_becomes_json_that_holds_any_name():
    params = [b'id"\0', (3).to_bytes(4, "little"), b"na\\me\0", b"im\xffage\0"]

    code, converted = Converter().convert(CODES["CONTAINER_E"], 1, params)  # type: ignore[misc]
    text = converted[0].removesuffix(b"\0").decode("utf-8", "surrogateescape")

    assert code == CODES["CONTAINER_JSON_2_E"]
    assert json.loads(text) == {"id": 'id"', "type": 3, "name": "na\\me", "image": "im\udcffage"}
    assert text.startswith('{"id":"id\\"","type":3,"name":')


@pytest.mark.parametrize(("threads", "size"), [(400_000, 1), (2_000, 60_000)])
def test_enter_events_without_exits_do_not_fill_the_memory(threads: int, size: int):
    converter = Converter()
    big = bytes(size)
    for tid in range(threads):
        converter.convert(CODES["SYSCALL_READ_E"], tid, [big, b""])
        assert converter._pending_bytes <= conversion._MAX_PENDING_BYTES

    assert len(converter._pending) <= conversion._MAX_PENDING
    assert converter._pending_bytes == sum(conversion._size(p) for _, p in converter._pending.values())


def test_the_stored_forms_of_an_event_are_known():
    assert stored_codes(CODES["SYSCALL_EXECVE_19_X"]) >= {CODES["SYSCALL_EXECVE_8_X"], CODES["SYSCALL_EXECVE_19_X"]}
    assert CODES["SYSCALL_EXECVE_8_X"] not in stored_codes(CODES["SYSCALL_OPEN_X"])
