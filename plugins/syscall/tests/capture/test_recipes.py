"""A recipe makes of an event what its plan makes of it, or leaves it alone."""

import random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture.conversion import Fate, assembled, plan
from falco_syscall.capture.event_table import CODES, EVENTS, FIXED_SIZES, SIZES
from falco_syscall.capture.recipes import KIND, MOST_PARAMETERS, Shape, recipe_of, shape_of

KINDS = [
    (info.code, count)
    for info in EVENTS
    for count in range(len(info.params) + 1)
    if plan(info.code, count).fate in (Fate.PASS, Fate.CONVERT)
]
WITH_RECIPE = [kind for kind in KINDS if recipe_of(*kind) is not None]


def sized(code, count, draw):
    """Parameters of the sizes that they should have."""
    return [draw.randbytes(SIZES[param.type] or draw.randint(0, 9)) for param in EVENTS[code].params[:count]]


def shape(code, params):
    """That of an event with such parameters."""
    return shape_of(KIND.pack(code, len(params)) + pack(f"<{len(params)}H", *map(len, params)))


def sound(code, params):
    """Parameters after the check that every converted event goes through."""
    fixed = dict(FIXED_SIZES[code])
    return [b"" if index in fixed and len(raw) != fixed[index] else raw for index, raw in enumerate(params)]


@pytest.mark.parametrize("spoiled", [False, True])
@given(st.sampled_from(WITH_RECIPE), st.randoms(use_true_random=False))
def test_what_a_recipe_makes_is_what_the_plan_says(spoiled, kind, draw):
    code, count = kind
    way, recipe = plan(code, count), recipe_of(code, count)
    params = sized(code, count, draw)
    entered = None if way.enter is None else sized(way.enter, len(EVENTS[way.enter].params), draw)
    if spoiled:
        wrong = draw.choice([params, entered or params])
        if wrong:
            wrong[draw.randrange(len(wrong))] = draw.randbytes(draw.randint(0, 9))

    kept = shape(code, params)
    if kept.unpack is not None:
        assert kept.unpack(b"..." + b"".join(params), 3) == tuple(params)
    assert kept.recipe in (recipe, None)
    found = None if kept.recipe is None else recipe.applied(tuple(params), entered)

    if found is not None:
        expected = assembled(way, params, entered) if way.fate is Fate.CONVERT else params
        assert (recipe.code, found) == (way.code, sound(way.code, expected))
        assert found == expected


@pytest.mark.parametrize(
    ("constant", "count"),
    [
        *(("SYSCALL_CLONE_20_X", 21), ("SYSCALL_CLONE_20_X", 20), ("SYSCALL_EXECVE_19_X", 30)),
        *(("SYSCALL_EXECVE_19_X", 27), ("SOCKET_CONNECT_X", 4), ("SOCKET_CONNECT_X", 2), ("PROCEXIT_1_E", 5)),
        *(("SYSCALL_CLOSE_X", 1), ("SYSCALL_OPENAT_2_X", 7), ("SYSCALL_CHDIR_X", 2), ("SYSCALL_SETUID_X", 1)),
    ],
)
def test_events_of_the_right_sizes_need_nothing_else(constant, count):
    recipe, draw = recipe_of(CODES[constant], count), random.Random(1)
    params = sized(CODES[constant], count, draw)
    entered = None if recipe.enter is None else sized(recipe.enter, len(EVENTS[recipe.enter].params), draw)

    assert shape(CODES[constant], params).recipe.applied(tuple(params), entered) is not None


def test_an_enter_event_that_is_not_known_is_left_to_the_plan():
    kind = next((code, count) for code, count in WITH_RECIPE if plan(code, count).enter is not None)
    params = sized(*kind, random.Random(1))

    assert recipe_of(*kind).applied(tuple(params), None) is None


def test_events_that_are_laid_out_in_another_way_have_no_shape():
    large = next(info.code for info in EVENTS if info.is_large)
    many = KIND.pack(CODES["SYSCALL_CLOSE_X"], MOST_PARAMETERS)

    assert shape_of(KIND.pack(large, 2) + bytes(4)) == shape_of(many + bytes(2 * MOST_PARAMETERS)) == Shape(None, None)


def test_an_event_with_a_wrong_size_is_left_to_the_plan():
    assert shape(CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(8)]).recipe is not None
    assert shape(CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(7)]).recipe is None


def test_only_rare_events_have_no_recipe():
    without = {
        EVENTS[code].constant.removesuffix("_E").rstrip("0123456789_")
        for code, count in set(KINDS) - set(WITH_RECIPE)
        if plan(code, count).fate is Fate.CONVERT or count == len(EVENTS[code].params)
    }

    assert without == {"CONTAINER", "CONTAINER_JSON", "SYSCALL_EXECVE", "SYSCALL_NEWSELECT_X"}
