import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.documents.nodes import Mark, Span
from falco.documents.text import Segment, Text, Written
from falco.rules import lists
from falco.rules.collection import CollectedList
from falco.rules.faults import RuleFault, Where

SPAN = Span("lists.yaml", Mark(6, 2, 0), Mark(6, 3, 1))
WHERE = Where((), SPAN)


def resolved(**named):
    collected = {
        name: CollectedList(name, tuple(items), WHERE, number, number)
        for number, (name, items) in enumerate(named.items())
    }
    return lists.resolve(collected)


def put_in(text, **named):
    found = resolved(**named)
    replaced, used = lists.substitute(Text.of(text), found, lists.ListNames(found), WHERE)
    return str(replaced), sorted(used)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proc.name in (shells)", "proc.name in ( sh, bash )"),
        ("proc.name in (a, shells, b)", "proc.name in (a, sh, bash , b)"),
        ("proc.name in ( \n shells\t)", "proc.name in ( sh, bash )"),
        ("proc.name=shells", "proc.name= sh, bash "),
        ("shells", "sh, bash "),
        ("proc.name in (shells2, myshells, shells.x)", "proc.name in (shells2, myshells, shells.x)"),
        ("proc.name in (shells,shells)", "proc.name in ( sh, bash , sh, bash )"),
        ("proc.name = 'my shells'", "proc.name = 'my shells'"),
        ("proc.name = 'my shells x'", "proc.name = 'my sh, bash x'"),
    ],
)
def test_a_name_between_delimiters_is_replaced_by_the_items(text, expected):
    assert put_in(text, shells=["sh", "bash"])[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a in (none)", "a in (  )"),
        ("a in (x, none)", "a in (x  )"),
        ("a in (none, x)", "a in (   x)"),
        ("a in (x, none, y)", "a in (x  , y)"),
        ("none", " "),
    ],
)
def test_a_comma_beside_an_empty_list_goes_too(text, expected):
    assert put_in(text, none=[])[0] == expected


def test_items_with_a_blank_are_quoted_unless_they_are_already():
    assert put_in("(l)", l=["a b", '"c d"', "'e f'", "(g)"])[0] == '( "a b", "c d", \'e f\', (g) )'


def test_a_later_list_is_found_in_the_items_of_an_earlier_one_but_not_the_other_way_round():
    assert put_in("(a)", a=["x", "b"], b=["y"]) == ("( x, y )", ["a", "b"])
    assert put_in("(b)", a=["x"], b=["quoted a"]) == ('( "quoted a" )', ["b"])


def test_a_name_with_delimiters_inside_is_found_too():
    assert put_in("x in (a b)", **{"a b": ["y"]})[0] == "x in ( y )"


def test_a_list_takes_the_items_of_lists_defined_before_one_level_deep():
    found = resolved(a=["1"], b=["a", "2"], c=["b", "3"], d=["e"], e=["4"])

    assert {name: one.items for name, one in found.items()} == {
        "a": ("1",),
        "b": ("1", "2"),
        "c": ("a", "2", "3"),
        "d": ("e",),
        "e": ("4",),
    }
    assert found["c"].lists == ("b",)
    assert [name for name, one in found.items() if one.is_used] == ["a", "b"]


def test_items_stand_where_the_name_stands_and_say_which_list_they_come_from():
    start = Mark(2, 10, 50)
    written = Text((Segment("a in (shells)", Written(Span("rules.yaml", start, Mark(2, 23, 63)))),))
    found = resolved(shells=["sh"])
    replaced, _ = lists.substitute(written, found, lists.ListNames(found), WHERE)

    origin, index = replaced.written(str(replaced).index("sh"))
    assert (origin.span.file, index, origin.note) == ("rules.yaml", 56, "from list `shells`, lists.yaml:7")
    assert replaced.written(str(replaced).index(")"))[1] == 62


def test_a_list_that_grows_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(lists, "MAX_ITEMS", 10)

    with pytest.raises(RuleFault, match="more than 10 items"):
        resolved(a=["x"] * 6, b=["a", "a"])


def test_a_condition_that_grows_beyond_the_limit_is_refused():
    doubling = {f"l{n}": [f"l{n + 1},l{n + 1}"] for n in range(60)}

    with pytest.raises(RuleFault, match="more than 4,000,000 characters"):
        put_in("(l0)", **doubling, l60=["x"])


NAMES = st.sampled_from(["l0", "l1", "l2", "l3"])
ITEMS = st.lists(NAMES | st.sampled_from(["", "x", "a b", "(y)", "'q r'"]), max_size=3)


@given(
    st.lists(NAMES | st.sampled_from(["x", ",", "(", ")", " ", "\n", "=", "'"]), max_size=12),
    st.lists(ITEMS, max_size=4),
)
def test_lists_are_put_in_as_one_after_another(pieces, items):
    named = {f"l{number}": found for number, found in enumerate(items)}
    text = "".join(pieces)
    found = resolved(**named)

    expected = text
    for one in found.values():
        expected = one_list_put_in(expected, one.name, one.text)
    assert squeezed(put_in(text, **named)[0]) == squeezed(expected)


def one_list_put_in(text, name, items):
    """The naive way: every occurrence is replaced in the whole text."""
    start = text.find(name)
    while start != -1:
        end = start + len(name)
        if (not start or text[start - 1] in " \n(),=") and (end == len(text) or text[end] in " \n(),="):
            before, after = text[:start].rstrip(" \n"), text[end:].lstrip(" \n")
            if not items and before.endswith(","):
                before = before[:-1]
            elif not items and after.startswith(","):
                after = after[1:]
            text = f"{before} {items} {after}"
            start = len(before) + len(items) + 1
        start = text.find(name, start + 1)
    return text


def squeezed(text):
    return " ".join(text.split())
