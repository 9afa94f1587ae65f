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
from falco.conditions.escaping import escape
from falco.conditions.parser import LIST_OPERATORS, MODIFIERS, NUMBER_OPERATORS, STRING_OPERATORS, parse
from falco.conditions.printer import operand_text, to_text
from falco.documents.text import Extent, Text

HERE = Extent(Text.of(""), 0, 0)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}(\.[a-z][a-z0-9_]{0,5}){1,2}", fullmatch=True)
KEYWORDS = {"and", "or", "not", "oneof", "anyof", "allof", "val"}
IDENTIFIERS = st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in KEYWORDS)
NUMBERS = st.integers(-999, 999).map(str)


def comes_back(text):
    """Falco prints a text bare though it is empty, holds what ends a bare string, or is a word of the language."""
    if escape(text) != text:
        return not text.endswith("\\")  # such a string cannot be written at all
    return bool(text) and not set(text) & set("()=,\v\f") and text not in KEYWORDS


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(comes_back)
BARE = st.text(st.sampled_from("abz/*.-_[]{}é^$"), min_size=1, max_size=8).filter(comes_back)


def literals(texts):
    return st.builds(Literal, texts, st.just(HERE))


ARGUMENTS = TEXTS.filter(lambda text: escape(text) != text or not set(text) & set("[]"))
FIELDS = st.builds(FieldName, NAMES, st.none() | ARGUMENTS, st.just(HERE))
# Inside of a transformer only numbers and quoted strings are values: a bare word would be printed bare.
INNER = FIELDS | literals(NUMBERS) | literals(TEXTS.filter(lambda text: escape(text) != text))


def short(strategy):
    """*strategy* under a short name: hypothesis formats the whole tree of strategies, which here is huge."""

    @st.composite
    def drawn(draw):
        return draw(strategy)

    return drawn()


def calls(inner):
    lists = st.builds(ListLiteral, st.lists(inner, max_size=3).map(tuple), st.just(HERE))
    single = st.sampled_from(("tolower", "toupper", "b64", "basename", "len"))
    one = st.builds(TransformerCall, single, st.tuples(inner | lists), st.none(), st.just(HERE))
    many = st.lists(inner | lists, min_size=2, max_size=3).map(tuple)
    return one | st.builds(
        TransformerCall, st.just("concat"), many, st.none() | BARE.filter(str.isalpha), st.just(HERE)
    )


LEFT = short(FIELDS | st.recursive(calls(INNER), calls, max_leaves=3))
VALUES = st.builds(TransformerCall, st.just("val"), st.tuples(FIELDS), st.none(), st.just(HERE)) | LEFT.filter(
    lambda left: isinstance(left, TransformerCall)
)
LISTS = st.builds(ListLiteral, st.lists(literals(TEXTS | BARE), max_size=4).map(tuple), st.just(HERE))
MODIFIED = st.builds(
    lambda left, operator, modifier, right: Comparison(left, f"{operator} {modifier}", right, HERE),
    LEFT,
    st.sampled_from(STRING_OPERATORS),
    st.sampled_from(MODIFIERS),
    LISTS | st.builds(Identifier, IDENTIFIERS, st.just(HERE)),
)


def comparisons(operators, right):
    return st.builds(Comparison, LEFT, st.sampled_from(operators), right, st.just(HERE))


LEAVES = short(
    st.builds(Identifier, IDENTIFIERS, st.just(HERE))
    | st.builds(Exists, LEFT, st.just(HERE))
    | comparisons(NUMBER_OPERATORS, literals(NUMBERS) | VALUES)
    | comparisons(STRING_OPERATORS, literals(TEXTS | BARE) | VALUES)
    | comparisons(LIST_OPERATORS, LISTS | VALUES | st.builds(Identifier, IDENTIFIERS, st.just(HERE)))
    | MODIFIED
)


def groups(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    negated = st.builds(Not, inner.filter(lambda child: not isinstance(child, Not)), st.just(HERE))
    return st.builds(And, several, st.just(HERE)) | st.builds(Or, several, st.just(HERE)) | negated


@given(st.recursive(LEAVES, groups, max_leaves=8))
def test_what_is_printed_parses_to_the_same(expr):
    assert parse(Text.of(to_text(expr))) == expr


def test_groups_are_in_parentheses_and_values_escaped():
    text = "a.b=1 and not(c.d[x] in ('x y', z) or e.f[''] exists and g) and len(h.i) >= 2 and j.k != oneof (\"\")"
    expected = (
        '(a.b = 1 and not (c.d[x] in ("x y", z) or (e.f[""] exists and g)) and len(h.i) >= 2 and j.k != oneof ())'
    )

    assert to_text(parse(Text.of(text))) == expected


def test_items_of_a_transformer_are_printed_without_blanks():
    call = parse(Text.of('join("-", (a.b, "x y")) exists')).left

    assert operand_text(call) == 'join(-,(a.b,"x y"))'


def test_a_condition_of_any_depth_can_be_printed():
    expr = Identifier("a", HERE)
    for _ in range(2_000):
        expr = Not(Or((expr, Identifier("b", HERE)), HERE), HERE)

    assert to_text(expr).startswith("not (not (not (")
