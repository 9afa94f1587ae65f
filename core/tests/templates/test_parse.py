from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions.checked import Transformed
from falco.conditions.errors import ConditionError
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields import Argument, Field, FieldUse
from falco.fields.registry import Fields
from falco.templates.model import Token
from falco.templates.parse import MAX_WIDTH, parse


def bind(argument):
    return lambda event: None


def spelled(rest):
    name = rest.removeprefix(".")
    if name in {"path", "res"}:
        return name
    return None


FIELDS = (
    Field("x.name", bind),
    Field("x.uri", bind),
    Field("x.uri.param", bind, argument=Argument.KEY),
    Field("x.list", bind, is_list=True, argument=Argument.OPTIONAL_INDEX),
    Field("evt.arg", bind, argument=Argument.INDEX_OR_KEY, spelling=spelled),
)
SCOPE = Scope("src", Fields("src", FIELDS), BUILT_IN)


def pieces(text):
    """A template as literal texts and (key or transformer's text, width)."""
    return [
        piece if isinstance(piece, str) else (piece.key or piece.names[-1], piece.width)
        for piece in parse(Text.of(text), SCOPE).pieces
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", ["plain text"]),
        ("%x.name", [("x.name", 0)]),
        ("a %x.name b", ["a ", ("x.name", 0), " b"]),
        ("%x.name%x.uri", [("x.name", 0), ("x.uri", 0)]),
        ("%10x.name", [("x.name", 10)]),
        ("%0x.name|", [("x.name", 0), "|"]),
        ("%007x.name", [("x.name", 7)]),
        ("%99999999999x.name", [("x.name", MAX_WIDTH)]),
        ("%x.name.", [("x.name", 0), "."]),
        ("%x.name.y", [("x.name", 0), ".y"]),
        ("start%x.nameand", ["start", ("x.name", 0), "and"]),
        ("%x.name[0]", [("x.name", 0), "[0]"]),
        ("%x.name(y)", [("x.name", 0), "(y)"]),
        ("%x.list[3]", [("x.list[3]", 0)]),
        ("%x.list[x]", [("x.list", 0), "[x]"]),
        ("%x.list[01]", [("x.list", 0), "[01]"]),
        ("%x.uri.param[a]", [("x.uri.param[a]", 0)]),
        ('%x.uri.param["a"]', [("x.uri.param[a]", 0)]),
        ("%x.uri.param['a']", [("x.uri.param[a]", 0)]),
        ('%x.uri.param[""]', [('x.uri.param[""]', 0)]),
        ("%x.uri.param[%x.name]", [("x.uri.param[%x.name]", 0)]),
        ("%x.uri.param", [("x.uri", 0), ".param"]),
        ("%x.uri.param[]", [("x.uri", 0), ".param[]"]),
        ("%x.uri.param[a", [("x.uri", 0), ".param[a"]),
        ("%x.uri.param[a b]", [("x.uri", 0), ".param[a b]"]),
        ("%evt.arg[0]", [("evt.arg[0]", 0)]),
        ("%evt.arg.path", [("evt.arg.path", 0)]),
        ("%evt.arg.paths", [("evt.arg.path", 0), "s"]),
        ("%evt.arg.path.", [("evt.arg.path", 0), "."]),
        ("%toupper(x.name)", [("toupper(x.name)", 0)]),
        ("%5toupper(x.name)!", [("toupper(x.name)", 5), "!"]),
        ("%toupper( tolower( x.name ) )", [("toupper(tolower(x.name))", 0)]),
        ('%join(",", x.list)', [("join(,,x.list)", 0)]),
        ('%join("->", (toupper(x.name), x.uri))', [("join(->,(toupper(x.name),x.uri))", 0)]),
        ('%concat(x.name, ")", x.uri))', [("concat(x.name,),x.uri)", 0), ")"]),
        ('%getopt(x.list, "a:")[a]', [("getopt(x.list,a:)[a]", 0)]),
        ("%len(x.name)[0]", [("len(x.name)", 0), "[0]"]),
        ("*%x.name", [("x.name", 0)]),
        ("**", ["*"]),
        ("* %x.name", [" ", ("x.name", 0)]),
        ("a*%x.name", ["a*", ("x.name", 0)]),
    ],
)
def test_the_longest_token_is_taken(text, expected):
    assert pieces(text) == expected


UNKNOWN = "unknown filter: unexpected token after '"


@pytest.mark.parametrize(
    ("text", "message", "extent"),
    [
        ("", "empty formatting token", (0, 0)),
        ("*", "empty formatting token", (0, 1)),
        ("a %", "invalid formatting syntax: formatting cannot end with a %", (2, 3)),
        ("a %12", "invalid formatting syntax: formatting cannot end with a number", (2, 5)),
        ("%%", UNKNOWN, (0, 1)),
        ("50% off", UNKNOWN, (2, 3)),
        ("%%x.name", UNKNOWN, (0, 1)),
        ("%5.2x.name", UNKNOWN, (0, 2)),
        ("%foo", UNKNOWN, (0, 4)),
        ("a %foo.bar b", UNKNOWN, (2, 10)),
        ("%X.NAME", UNKNOWN, (0, 7)),
        ("%(x.name)", UNKNOWN, (0, 1)),
        ("%val(x.name)", UNKNOWN, (0, 4)),
        ("%toupper(val(x.name))", UNKNOWN, (0, 8)),
        ("%toupper (x.name)", UNKNOWN, (0, 8)),
        ("%toupper(x.name", UNKNOWN, (0, 8)),
        ("%toupper(nope.x)", UNKNOWN, (0, 8)),
        ("%join(x.name)", UNKNOWN, (0, 5)),
        ("%nope(x.name)", UNKNOWN, (0, 5)),
        ("%x.name %%", UNKNOWN, (8, 9)),
    ],
)
def test_what_is_no_token_is_an_error_with_its_place(text, message, extent):
    with pytest.raises(ConditionError) as caught:
        parse(Text.of(text), SCOPE)

    assert caught.value.message == message
    assert (caught.value.extent.start, caught.value.extent.end) == extent
    assert caught.value.hint


def test_an_unknown_field_is_named_in_the_hint():
    with pytest.raises(ConditionError) as caught:
        parse(Text.of("%x.nmae"), SCOPE)

    assert "x.name" in caught.value.hint


def test_a_transformer_lists_what_is_inside_and_itself():
    (token,) = parse(Text.of('%toupper(join("->", (concat(x.name, x.uri), x.name, "lit")))'), SCOPE).tokens

    assert isinstance(token.operand, Transformed)
    assert token.key is None
    assert [name for name, _use in token.fields] == ["x.name", "x.uri"]
    assert token.names == (
        "x.name",
        "x.uri",
        "concat(x.name,x.uri)",
        "toupper(join(->,(concat(x.name,x.uri),x.name,lit)))",
    )


def test_transformers_of_one_argument_count_as_one():
    (token,) = parse(Text.of("%tolower(toupper(x.name))"), SCOPE).tokens

    assert token.names == ("x.name", "tolower(toupper(x.name))")


def test_a_field_lists_itself():
    (token,) = parse(Text.of("%evt.arg.path"), SCOPE).tokens

    assert token.names == ("evt.arg.path",)
    ((key, use),) = token.fields
    assert (key, use) == ("evt.arg.path", FieldUse("evt.arg", "path", FIELDS[-1]))


def test_deep_nesting_is_read_without_recursion():
    deep = "toupper(" * 300 + "x.name" + ")" * 300
    (token,) = parse(Text.of(f"%{deep}"), SCOPE).tokens

    assert token.names == ("x.name", deep)


@pytest.mark.parametrize("unit", ["%concat(", '%concat("', "%x." + "y" * 600, "%9"])
def test_unfinished_tokens_without_end_are_refused(unit):
    with pytest.raises(ConditionError):
        parse(Text.of(unit * (200_000 // len(unit))), SCOPE)


@pytest.mark.parametrize(
    "unit", ["%x.uri.param[", '%x.uri.param["', "%x.name(", '%x.name("', "%evt.arg.path[" + "y" * 500]
)
def test_fields_before_what_could_be_more_are_read_in_linear_time(unit):
    count = 100_000 // len(unit)

    assert len(parse(Text.of(unit * count), SCOPE).tokens) == count


WORDS = st.sampled_from(
    [
        "%",
        "x.name",
        "x.uri",
        ".param",
        "[",
        "]",
        "(",
        ")",
        '"',
        "'",
        "\\",
        "toupper",
        "join",
        "val",
        ",",
        " ",
        "1",
        "*",
        "é",
    ]
)


def outcome(text):
    try:
        return parse(Text.of(text), SCOPE)
    except ConditionError as error:
        return error


@given(st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_is_a_template_or_an_error_with_a_place_in_it(text):
    result = outcome(text)

    if isinstance(result, ConditionError):
        assert 0 <= result.extent.start <= result.extent.end <= len(text)
    else:
        assert "%" not in "".join(piece for piece in result.pieces if isinstance(piece, str))
        assert all(isinstance(a, Token) or isinstance(b, Token) for a, b in pairwise(result.pieces))


@given(st.text(st.characters(exclude_characters="%*"), min_size=1))
def test_text_without_percent_signs_is_itself(text):
    assert parse(Text.of(text), SCOPE).pieces == (text,)
