"""Values go through shared memory as they are, whatever their size."""

import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.replaying import slots as shared
from falco_syscall.replaying.slots import SLOTS, Slots


@dataclass
class Value:
    numbers: np.ndarray
    small: np.ndarray
    text: str


@pytest.fixture(scope="module")
def slots():
    memory = Slots.create()
    try:
        yield Slots(memory)
    finally:
        os.close(memory)


@given(st.binary(max_size=200), st.lists(st.integers(0, 255)), st.integers(0, SLOTS - 1), st.booleans())
def test_what_is_put_in_is_taken_out(slots, data, numbers, slot, fits):
    value = Value(np.array(numbers, np.int64), np.array(numbers, np.uint8), "x")
    with pytest.MonkeyPatch.context() as patch:
        if not fits:
            patch.setattr(shared, "SLOT_BYTES", 0)
        parcel = slots.put(slot, value, data)
    found, content = slots.take(parcel)

    assert found.numbers.tolist() == found.small.tolist() == numbers
    assert (found.numbers.dtype, found.small.dtype, found.text) == (np.int64, np.uint8, "x")
    assert content[: len(data)] == data
    assert parcel.slot == slot
    assert (parcel.data is None) == (fits or not (data or numbers))


def test_arrays_lie_where_processors_want_them(slots):
    parcel = slots.put(0, [np.arange(3), np.arange(5, dtype=np.uint8), np.arange(7)], b"abc")

    assert [at % 64 for at, _ in parcel.places] == [0, 0, 0]


def test_slots_do_not_overlap(slots):
    for slot in range(SLOTS):
        slots.put(slot, None, bytes([slot]) * 10)

    assert [slots.take(shared.Parcel(slot, b"N."))[1][:10] for slot in range(SLOTS)] == [
        b"\0" * 10,
        b"\1" * 10,
        b"\2" * 10,
    ]
