import json

import pytest

from falco.errors import ConfigError
from falco.fields import Argument, Field, FieldClass, FieldFlag, FieldType, listing


def unused(_argument: str | None) -> object:
    raise AssertionError


COMMON = FieldClass("evt", "All event types", "Fields of every event")
OWN = FieldClass("own (plugin)")
NUM = Field("evt.num", unused, type=FieldType.UINT64, doc="Number of the event.", group=COMMON)
FIELDS = {
    "b": (
        NUM,
        Field(
            "own.item",
            unused,
            is_list=True,
            argument=Argument.INDEX_OR_KEY,
            flags=frozenset({FieldFlag.NO_RHS, FieldFlag.FILTER_ONLY, FieldFlag.SUGGESTED}),
            doc="word " * 30,
            group=OWN,
        ),
        Field("own.free", unused, argument=Argument.OPTIONAL_TEXT, doc="Takes any text.", group=OWN),
        Field("own.secret", unused, flags=frozenset({FieldFlag.TABLE_ONLY}), doc="Not listed.", group=OWN),
    ),
    "a": (NUM,),
}


def test_a_class_that_two_sources_share_is_listed_once() -> None:
    assert listing.fields_text(FIELDS).startswith(
        "-------------------------------\n"
        "Field Class:                  evt (All event types)\n"
        "Description:                  Fields of every event \n"
        "Event Sources:                a b \n"
        "\n"
        "evt.num                       Number of the event. \n"
        "\n"
        "-------------------------------\n"
        "Field Class:                  own (plugin)\n"
        "Event Sources:                b \n"
        "\n"
    )


def test_tags_are_sorted_and_types_are_said_when_verbose() -> None:
    line = next(line for line in listing.fields_text(FIELDS, verbose=True).splitlines() if line.startswith("own.item"))

    assert line.startswith(
        "own.item                      (Type: CHARBUF) "
        "(ARG_INDEX,ARG_KEY,ARG_REQUIRED,EPF_IS_LIST,EPF_NO_RHS,FILTER_ONLY) word "
    )


def test_lines_break_between_words_before_column_120() -> None:
    text = listing.fields_text({"b": [Field("x.y", unused, doc="word " * 30)]})

    lines = text.splitlines()[4:-1]
    assert [len(line) for line in lines] == [30 + 18 * 5, 30 + 12 * 5]
    assert lines[1].startswith(" " * 30 + "word")


@pytest.mark.parametrize(("last", "lines"), [(29, 1), (30, 2)])
def test_a_word_may_not_reach_column_120(last: int, lines: int) -> None:
    text = listing.fields_text({"b": [Field("x.y", unused, doc="a" * 59 + " " + "b" * last)]})

    assert len(text.splitlines()[4:-1]) == lines


def test_a_long_name_stands_alone() -> None:
    name = "x." + "y" * 28

    assert f"{name}\n{' ' * 30}Text. \n" in listing.fields_text({"b": [Field(name, unused, doc="Text.")]})


def test_a_field_that_decides_itself_says_no_kind_of_argument() -> None:
    text = listing.fields_text(FIELDS)
    document = json.loads(listing.fields_json(FIELDS))

    assert "own.free                      (ARG_ALLOWED) Takes any text. \n" in text
    assert document["fieldclasses"][1]["fields"][1]["argument"] == {"required": False, "type": []}


def test_markdown_marks_lists() -> None:
    assert listing.fields_markdown({"b": FIELDS["b"][:1]}) == (
        "## Field Class: evt\n\nFields of every event\n\nEvent Sources: b \n\n"
        "Name | Type | Description\n:----|:-----|:-----------\n`evt.num` | UINT64 | Number of the event.\n\n"
    )
    assert "`own.item` | LIST(CHARBUF) | " in listing.fields_markdown(FIELDS)


def test_names_leave_out_what_is_not_listed() -> None:
    assert listing.names_text(FIELDS) == "evt.num\nown.item\nown.free\n"
    assert json.loads(listing.names_json(FIELDS)) == {"fieldnames": ["evt.num", "own.item", "own.free"]}


def test_one_source_can_be_chosen() -> None:
    assert set(listing.of_source(FIELDS, "a")) == {"a"}
    assert set(listing.of_source(FIELDS, "")) == {"a", "b"}
    with pytest.raises(ConfigError, match="Value for --list must be a valid source type"):
        listing.of_source(FIELDS, "c")
