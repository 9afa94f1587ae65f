import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions.ast import (
    And,
    Comparison,
    Exists,
    FieldName,
    Identifier,
    ListLiteral,
    Literal,
    Not,
    Or,
    TransformerCall,
)
from falco.conditions.errors import ConditionError
from falco.conditions.parser import OPERATORS, parse, parse_operand
from falco.documents.text import Extent, Text
from falco.testing.strategies import any_texts

HERE = Extent(Text.of(""), 0, 0)
A, B, C = (Identifier(name, HERE) for name in "abc")
WORDS = (
    *("a", "x.y", "x.y[0]", 'x.y["k"]', "and", "or", "not", "not(", "(", ")", ",", "=", "==", "!=", "<", ">=", "in"),
    *("exists", "glob", "regex", "pmatch", "oneof", "val(", "tolower(", "join(", "len(", "'", '"', "\\", "[", "]"),
    *("1", "0x1", "+1.5e+3", "é", "\udcff", "\0", "\n", "\b", ".", "x", '"a b"', "'\\x41'", "intersects", "anyof"),
)


def field(name, argument=None):
    return FieldName(name, argument, HERE)


def literal(text):
    return Literal(text, HERE)


def error(text, **options):
    with pytest.raises(ConditionError) as caught:
        parse(Text.of(text), **options)
    return caught.value


def wrong(text, **options):
    """The characters that the error is about."""
    extent = error(text, **options).extent
    return text[extent.start : extent.end]


def test_and_binds_tighter_than_or_and_not_tightest():
    expected = Or((A, And((Not(B, HERE), C), HERE)), HERE)

    assert expected == parse(Text.of("a or not b and c"))


def test_groups_of_the_same_connective_stay_groups():
    assert And((A, And((B, C), HERE)), HERE) == parse(Text.of("a and (b and c)"))
    assert And((A, B, C), HERE) == parse(Text.of("a and b and c"))


def test_an_even_number_of_negations_is_none():
    assert parse(Text.of("not not a")) == A
    assert parse(Text.of("not(not a)")) == Not(Not(A, HERE), HERE)
    assert parse(Text.of("not not not(a)")) == Not(A, HERE)


def test_after_or_with_a_parenthesis_only_the_parenthesis_is_the_alternative():
    assert parse(Text.of("a or(b)")) == Or((A, B), HERE)
    assert error("a or(b) and c").message == "unexpected token after ')', expecting 'or', 'and'"


def test_operators_without_letters_need_no_blanks():
    for operator in ("=", "==", "!=", "<", "<=", ">", ">="):
        assert parse(Text.of(f"x.y{operator}1")) == Comparison(field("x.y"), operator, literal("1"), HERE)


def test_operators_with_letters_are_words_and_list_operators_prefixes():
    assert parse(Text.of("x.y in(a)")) == Comparison(field("x.y"), "in", ListLiteral((literal("a"),), HERE), HERE)
    assert parse(Text.of("x.y existsand a")) == And((Exists(field("x.y"), HERE), A), HERE)
    assert error("x.y containsa").message.startswith("expected a valid check operator: one of 'exists', '<=', ")


def test_a_modifier_needs_something_that_it_can_apply_to():
    one_of = parse(Text.of("x.y = oneof (a, 'b c')"))
    word = parse(Text.of("x.y = oneof and a"))

    assert one_of == Comparison(field("x.y"), "= oneof", ListLiteral((literal("a"), literal("b c")), HERE), HERE)
    assert word == And((Comparison(field("x.y"), "=", literal("oneof"), HERE), A), HERE)
    assert parse(Text.of("x.y = oneof names")) == Comparison(field("x.y"), "= oneof", Identifier("names", HERE), HERE)


def test_transformers_may_be_nested_and_hold_lists():
    expected = TransformerCall(
        "join",
        (literal(","), ListLiteral((TransformerCall("tolower", (field("x.y", "k"),), None, HERE), literal("1")), HERE)),
        "s",
        HERE,
    )

    assert parse(Text.of('join( "," , (tolower(x.y[k]), 1) )[s] exists')) == Exists(expected, HERE)


def test_the_right_side_may_be_a_field_within_val():
    expected = Comparison(field("x.y"), "=", TransformerCall("val", (field("x.z"),), None, HERE), HERE)

    assert parse(Text.of("x.y = val( x.z )")) == expected


def test_an_argument_may_be_quoted_and_empty():
    parsed = parse(Text.of('x.y["a]\\x62"] exists'))

    assert parsed == Exists(field("x.y", "a]b"), HERE)
    assert parsed.left.is_quoted
    assert parse(Text.of("x.y[''] exists")) == Exists(field("x.y", ""), HERE)


def test_extents_are_the_characters_of_a_node():
    text = " x.y  in ( a , 'b' ) and z"
    parsed = parse(Text.of(text))
    comparison = parsed.children[0]
    parts = (comparison, comparison.left, comparison.right, *comparison.right.items)

    assert [text[part.extent.start : part.extent.end] for part in parts] == [
        "x.y  in ( a , 'b' )",
        "x.y",
        "( a , 'b' )",
        "a",
        "'b'",
    ]


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("", "filter input string is empty", "", ""),
        ("x.y = a &&  b", "unexpected token after 'a', expecting 'or', 'and'", "&", "did you mean 'and'?"),
        ("x.y in a, b", "unexpected token after 'a', expecting 'or', 'and'", ",", "several values are a list"),
        ("(a", "expected a ')' token", "", ""),
        ("a andb", "expected blank or '(' after 'and'", "b", ""),
        ("a and", "expected blank or '(' after 'and'", "", ""),
        ("!a", "expected a '(' token, a field check, or an identifier", "!", "did you mean 'not'?"),
        ("a and !x.y = b", "expected a '(' token, a field check, or an identifier", "!", "did you mean 'not'?"),
        ("a or!b", "expected blank or '(' after 'or'", "!", "did you mean 'not'?"),
        ("&& a", "expected a '(' token, a field check, or an identifier", "&", "did you mean 'and'?"),
        ("x.y inn (a)", "unexpected token after 'n', expecting 'or', 'and'", "inn", "did you mean 'in'?"),
        ("(x.y inn (a))", "expected a ')' token", "inn", "did you mean 'in'?"),
        ("x.y pmatchh (a)", "unexpected token after 'h', expecting", "pmatchh", "did you mean 'pmatch'?"),
        ("x.y intersect (a)", "unexpected token after 'tersect'", "intersect", "did you mean 'intersects'?"),
        ("x.y existss", "unexpected token after 'exists'", "existss", "did you mean 'exists'?"),
        ("x.y startwith a", "expected a valid check operator: ", "startwith", "did you mean 'startswith'"),
        ("x.y => 5", "unexpected token after '>', expecting 'or', 'and'", "=>", "did you mean '>='?"),
        ("x.y =< 5", "unexpected token after '<', expecting 'or', 'and'", "=<", "did you mean '<='?"),
        ("x.y >> 5", "expected a number value or ", ">>", "did you mean '>'"),
        ("x.y <> 5", "expected a number value or ", "<>", "did you mean '!='"),
        ("a || b", "unexpected token after 'a', expecting 'or', 'and'", "|", "did you mean 'or'?"),
        ("x.y = a||x.z = b", "unexpected token after 'a||x.z'", "=", "did you mean ' or '? Quote the value"),
        ("x.y ! in (a)", "expected a valid check operator: ", "!", "write 'not' before the field"),
        ("x.y inn (a) and b c", "unexpected token after 'n', expecting", "inn", "did you mean 'in'?"),
        ("x.y in (a) and b c", "unexpected token after 'b', expecting 'or', 'and'", "c", ""),
        ("x.y[] exists", "expected a valid field argument: a quoted string or a bare string", "]", ""),
        ("x.y[a b] exists", "expected a ']' token", " ", "quoted"),
        ("x.y containz a", "expected a valid check operator: one of 'exists', ", "containz", "'contains'"),
        ("x.y matches a", "expected a valid check operator: ", "matches", "did you mean 'regex'?"),
        ("x.y not in (a)", "expected a valid check operator: ", "not", "write 'not' before the field"),
        ("x.y", "expected a valid check operator: ", "", "'exists' asks only whether it is there"),
        ("x.y > abc", "expected a number value or a field with a valid transformer: 'val', 'tolower', ", "abc", ""),
        ("x.y = (a)", "expected a string value or a field with a valid transformer: 'val', ", "(", "in (a, b)"),
        ('x.y = "a', "expected a string value or ", '"', "does not end"),
        ("x.y === a", "expected a string value or ", "=", "mean the same"),
        (
            "x.y in 1",
            "expected a list, an identifier, or a field with a valid transformer: 'val', ",
            "1",
            "parentheses",
        ),
        ("x.y in (a,)", "expected a string value", ")", "remove the comma"),
        ("x.y in (a b)", "expected a ')' token", "b", "separated by commas"),
        ("x.y in ((a))", "expected a ')' token", "(", "no lists"),
        ("x.y = val(a)", "expected a field within 'val' transformer", "a", ""),
        ("x.y = val(a.b", "expected a ')' token closing the transformer", "", ""),
        ("len(a.b = 1", "expected a ')' token closing the transformer", "=", ""),
        ("len() = 1", "expected field transformer argument: field, transformer, quoted string, number, ", ")", ""),
        ("len((a.b,)) = 1", "expected field transformer argument: ", ")", ""),
        ("x.y = 'a\\qb'", "unsupported string escape sequence: \\q", "\\q", "two backslashes"),
        ("x.y = 'a\\\"b'", "invalid \\\" escape in '-quoted string", '\\"', ""),
        ("x.y = 'a\\xZ1'", "invalid hex char escape sequence: Z1", "\\xZ1", ""),
        ("x.y = 'a\\x1'", "truncated hex char escape sequence", "\\x1", ""),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text, message, where, hint):
    found = error(text)

    assert found.message.startswith(message)
    assert wrong(text) == where
    assert hint in found.hint


def test_an_error_in_a_quoted_string_is_reported_where_falco_does_behind_the_string():
    found = error("x.y = 'a\\qb' and z")

    assert found.reported_at == len("x.y = 'a\\qb'")
    assert found.extent.start == len("x.y = 'a")


@pytest.mark.parametrize(
    ("opening", "passing", "failing"), [("(", 198, 199), ("not(", 248, 249), ("tolower(", 497, 498)]
)
def test_depth_is_counted_as_falco_does(opening, passing, failing):
    def nested(count):
        inside = "x.y" if opening == "tolower(" else "x.y = 1"
        return opening * count + inside + ")" * count + (" = 1" if opening == "tolower(" else "")

    assert parse(Text.of(nested(passing))) is not None
    assert error(nested(failing)).message == "exceeded max depth limit of 1000"


def test_the_depth_limit_can_be_changed():
    assert error("(" * 20 + "a" + ")" * 20, max_depth=100).message == "exceeded max depth limit of 100"


def test_depth_is_left_again_behind_what_is_nested():
    many = ", ".join(["tolower((x.y, 'a'))"] * 600)

    assert len(parse(Text.of(f"concat({many}) = 1")).left.arguments) == 600
    assert len(parse(Text.of(" and ".join(["(not(x.y = 1))"] * 600))).children) == 600


def test_a_quoted_string_ends_at_a_quote_without_a_backslash_before_it():
    assert parse(Text.of('x.y = "a\\"b"')).right == literal('a"b')
    assert parse(Text.of("x.y = ''")).right == literal("")
    assert error('x.y = "a\\\\"').message.startswith("expected a string value")


def test_ten_thousand_parentheses_are_an_error_and_thousands_of_terms_are_not():
    assert error("(" * 10_000).message == "exceeded max depth limit of 1000"
    assert len(parse(Text.of(" or ".join(["x.y = 1"] * 3_000))).children) == 3_000
    assert parse(Text.of("not " * 3_001 + "a")) == Not(A, HERE)


def test_a_plugin_may_bring_transformers():
    text = Text.of("shout(x.y) = A")

    assert parse(text, transformers=("shout",)).left.name == "shout"
    assert error("shout(x.y) = A").message == "unexpected token after 'shout', expecting 'or', 'and'"


def test_an_operand_is_parsed_from_end_to_end():
    assert parse_operand(Text.of("proc.aname.1")) == field("proc.aname.1")
    assert parse_operand(Text.of("evt.arg[0]")) == field("evt.arg", "0")
    assert parse_operand(Text.of("len(x.y)")).name == "len"
    for text in ("x.y.", "x", "x.y z", "val(x.y)", ""):
        with pytest.raises(ConditionError):
            parse_operand(Text.of(text))


@given(
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(st.sampled_from("".join(WORDS))) | any_texts()
)
def test_any_text_is_a_condition_or_an_error_inside_of_it(text):
    for read in (parse, parse_operand):
        try:
            found = read(Text.of(text))
        except ConditionError as error:
            found = error
        is_error = isinstance(found, ConditionError)

        assert 0 <= found.extent.start <= found.extent.end <= len(text)
        assert 0 <= found.reported_at <= len(text) if is_error else found.extent.start < found.extent.end


@given(st.sampled_from(OPERATORS), st.sampled_from(("", " ", "\n")))
def test_every_operator_parses(operator, blank):
    right = {"exists": "", "in": "(1)", "intersects": "(1)", "pmatch": "(1)"}.get(operator, "1")
    separator = blank or (" " if operator.isalpha() else "")
    parsed = parse(Text.of(f"x.y{separator}{operator}{separator}{right}"))

    assert isinstance(parsed, Exists) if operator == "exists" else parsed.operator == operator
