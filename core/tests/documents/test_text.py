from hypothesis import given
from hypothesis import strategies as st

from falco.documents.nodes import Mark, Span
from falco.documents.text import Generated, Segment, Text, Written


def written(text: str, index: int, note: str = "") -> Segment:
    start = Mark(0, index, index)
    return Segment(text, Written(Span("f", start, Mark(0, index + len(text), index + len(text))), None, note))


def generated(text: str) -> Segment:
    return Segment(text, Generated("test"))


def index(text: Text, position: int) -> int | None:
    place = text.written(position)
    return None if place is None else place[1]


def test_a_written_character_answers_with_its_place():
    text = Text((written("ab", 10), written("cd", 20)))

    assert [index(text, n) for n in range(5)] == [10, 11, 20, 21, 22]


def test_a_generated_character_answers_with_the_nearest_place_before_it_or_after():
    text = Text((generated("(("), written("ab", 10), generated(") and ("), written("cd", 20), generated(")")))

    assert index(text, 0) == 10
    assert index(text, 5) == 12
    assert index(text, len(str(text)) - 1) == 22
    assert index(Text((generated("x"),)), 0) is None


def test_offsets_are_cut_with_the_text():
    text = Text((Segment("ab", Written(Span("f", Mark(0, 0, 0), Mark(0, 9, 9)), (3, 5, 7))),))

    assert [index(text.cut(1, 2), n) for n in range(2)] == [5, 7]


def test_a_note_does_not_replace_an_earlier_one():
    text = Text((written("a", 0), written("b", 1, "first"))).noted("second")

    assert [s.origin.note for s in text.segments if isinstance(s.origin, Written)] == ["second", "first"]


SEGMENTS = st.lists(
    st.builds(written, st.text("ab ", max_size=5), st.integers(0, 99))
    | st.builds(generated, st.text("ab ", max_size=5))
).map(lambda segments: Text(tuple(segments)))


@given(SEGMENTS, st.integers(0, 30), st.integers(0, 30))
def test_a_cut_is_the_slice_and_keeps_the_places(text, start, end):
    cut = text.cut(start, end)

    assert str(cut) == str(text)[start:end]
    for n in range(len(str(cut))):
        if any(isinstance(s.origin, Written) for s in cut.segments) and not isinstance(
            origin(text, start + n), Generated
        ):
            assert index(cut, n) == index(text, start + n)


def origin(text: Text, position: int) -> object:
    for segment in text.segments:
        if position < len(segment.text):
            return segment.origin
        position -= len(segment.text)
    return None


@given(SEGMENTS)
def test_strip_strips_as_text_does(text):
    assert str(text.strip(" ")) == str(text).strip(" ")
