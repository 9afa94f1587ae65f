from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions import ast
from falco.conditions.errors import ConditionError
from falco.conditions.event_types import EventTypes
from falco.documents.text import Extent, Text
from falco.events.catalogue import EventCatalogue, EventCategory, EventType

PLACE = Extent(Text.of(""), 0, 0)


def event_type(code: int, name: str, *, is_exit: bool = True, stored_code: int | None = None) -> EventType:
    return EventType(
        code,
        name,
        EventCategory.SYSCALL,
        is_exit=is_exit,
        is_listed=True,
        is_default=True,
        stored_code=stored_code,
    )


CATALOGUE = EventCatalogue(
    event_source="test",
    schema_version="1",
    types=(
        event_type(2, "open", is_exit=False),
        event_type(3, "open"),
        event_type(5, "close"),
        event_type(7, "mmap"),
        event_type(9, "note"),
        *(event_type(1000 + n, f"generic_{n}", stored_code=1) for n in range(150)),
        *(event_type(2000 + n, f"own_{n}") for n in range(101)),
    ),
    aliases=frozenset({"open64"}),
    always=frozenset({9}),
)
TYPES = EventTypes(CATALOGUE)


def compare(field: str, operator: str, *values: str) -> ast.Comparison:
    literals = tuple(ast.Literal(value, PLACE) for value in values)
    right = ast.ListLiteral(literals, PLACE) if operator in {"in", "intersects"} else literals[0]
    return ast.Comparison(ast.FieldName(field, None, PLACE), operator, right, PLACE)


def both(*children: ast.Expr) -> ast.And:
    return ast.And(children, PLACE)


def either(*children: ast.Expr) -> ast.Or:
    return ast.Or(children, PLACE)


def negate(child: ast.Expr) -> ast.Not:
    return ast.Not(child, PLACE)


def transformed(field: str) -> ast.TransformerCall:
    return ast.TransformerCall("toupper", (ast.FieldName(field, None, PLACE),), None, PLACE)


OPEN = compare("evt.type", "=", "open")
CLOSE = compare("evt.type", "=", "close")
OTHER = compare("proc.name", "=", "cat")


def test_a_name_stands_for_all_codes_that_have_it() -> None:
    assert TYPES.infer(OPEN) == {2, 3}
    assert TYPES.infer(compare("evt.type", "in", "open", "mmap")) == {2, 3, 7}
    assert TYPES.infer(compare("syscall.type", "==", "close")) == {5}


def test_not_equal_leaves_all_other_codes() -> None:
    assert TYPES.infer(compare("evt.type", "!=", "open")) == TYPES.all - {2, 3}
    assert TYPES.infer(negate(OPEN)) == TYPES.all - {2, 3}


def test_other_fields_and_operators_narrow_nothing_down() -> None:
    neutral = [
        OTHER,
        negate(OTHER),
        compare("evt.type", "startswith", "open"),
        compare("evt.type", "= oneof", "open"),
        compare("evt.type", "intersects", "open"),
        negate(compare("evt.type", "contains", "open")),
    ]

    assert [TYPES.infer(expr) for expr in neutral] == [TYPES.all] * len(neutral)


def test_and_intersects_or_unites() -> None:
    assert TYPES.infer(both(OPEN, OTHER)) == {2, 3}
    assert TYPES.infer(both(OPEN, CLOSE)) == set()
    assert TYPES.infer(either(OPEN, CLOSE)) == {2, 3, 5}
    assert TYPES.infer(either(OPEN, OTHER)) == TYPES.all


def test_a_negated_conjunction_is_a_disjunction_of_negations() -> None:
    assert TYPES.infer(both(CLOSE, negate(both(OTHER, CLOSE)))) == {5}
    assert TYPES.infer(negate(either(OPEN, OTHER))) == TYPES.all - {2, 3}


def test_every_event_has_an_evt_type_but_not_a_syscall_type() -> None:
    exists = ast.Exists(ast.FieldName("evt.type", None, PLACE), PLACE)
    may_be_missing = ast.Exists(ast.FieldName("syscall.type", None, PLACE), PLACE)

    assert TYPES.infer(exists) == TYPES.all
    assert TYPES.infer(negate(exists)) == set()
    assert TYPES.infer(negate(may_be_missing)) == TYPES.all


@pytest.mark.parametrize(
    ("operator", "value"), [("=", "0"), ("==", "000"), ("<", "1"), ("<", "0"), ("<=", "0"), ("in", "0"), ("in", "")]
)
def test_event_numbers_below_one_never_occur(operator: str, value: str) -> None:
    expr = compare("evt.num", operator, *([value] if value else []))

    assert TYPES.infer(expr) == set()
    assert TYPES.infer(negate(expr)) == TYPES.all


@pytest.mark.parametrize(("operator", "value"), [("!=", "0"), (">", "0"), (">=", "0"), (">=", "1")])
def test_what_holds_for_all_event_numbers_is_never_false(operator: str, value: str) -> None:
    expr = compare("evt.num", operator, value)

    assert TYPES.infer(expr) == TYPES.all
    assert TYPES.infer(negate(expr)) == set()


@pytest.mark.parametrize("value", ["1", "-1", "0x0", "1.5", "9" * 20_000, "٠"])
def test_other_numbers_narrow_nothing_down(value: str) -> None:
    expr = compare("evt.num", "=", value)

    assert TYPES.infer(expr) == TYPES.infer(negate(expr)) == TYPES.all


@pytest.mark.parametrize("operator", ["=", "!=", "contains", "glob", ">=", "regex", "in", "pmatch"])
@pytest.mark.parametrize("left", [ast.FieldName("evt.type", None, PLACE), transformed("evt.type")])
def test_an_unknown_event_type_is_refused_whatever_the_operator(
    operator: str, left: ast.FieldName | ast.TransformerCall
) -> None:
    right = ast.ListLiteral((ast.Literal("open", PLACE), ast.Literal("opne", PLACE)), PLACE)

    with pytest.raises(ConditionError, match=r"^unknown event type opne$"):
        TYPES.validate(ast.Comparison(left, operator, right, PLACE))


def test_a_list_name_that_stands_for_itself_must_be_an_event_type() -> None:
    left = ast.FieldName("evt.type", None, PLACE)

    with pytest.raises(ConditionError, match="unknown event type opens"):
        TYPES.validate(ast.Comparison(left, "in", ast.Identifier("opens", PLACE), PLACE))


def test_known_names_aliases_and_other_fields_are_accepted() -> None:
    for accepted in (OPEN, compare("evt.type", "=", "open64"), compare("syscall.type", "=", "opne"), OTHER):
        TYPES.validate(accepted)

    assert TYPES.infer(compare("evt.type", "=", "open64")) == set()


def compared_with_field() -> ast.Expr:
    return ast.Comparison(ast.FieldName("evt.type", None, PLACE), "=", transformed("proc.name"), PLACE)


def transformed_left() -> ast.Expr:
    return ast.Comparison(transformed("syscall.type"), "=", ast.Literal("open", PLACE), PLACE)


@pytest.mark.parametrize("build", [compared_with_field, transformed_left])
def test_event_types_that_depend_on_the_event_are_refused(build: Callable[[], ast.Expr]) -> None:
    with pytest.raises(ConditionError, match="not supported by event code search"):
        TYPES.infer(negate(both(OTHER, build())))


def test_other_transformed_fields_narrow_nothing_down() -> None:
    assert TYPES.infer(ast.Comparison(transformed("evt.num"), "=", ast.Literal("0", PLACE), PLACE)) == TYPES.all


def test_codes_that_are_one_to_the_source_count_once() -> None:
    generic = [code for code in TYPES.all if 1000 <= code < 2000]
    own = [code for code in TYPES.all if code >= 2000]

    assert not TYPES.are_many(generic)
    assert not TYPES.are_many(own[:100])
    assert TYPES.are_many(own)
    assert TYPES.are_many([*own[:100], *generic])


def test_nesting_is_not_bounded_by_the_stack() -> None:
    expr: ast.Expr = OPEN
    for _ in range(10_001):
        expr = negate(expr)

    assert TYPES.infer(expr) == TYPES.all - {2, 3}


leaves = st.one_of(
    st.builds(
        lambda operator, names: compare("evt.type", operator, *(names if operator == "in" else names[:1])),
        st.sampled_from(["=", "!=", "in"]),
        st.lists(st.sampled_from(["open", "close", "mmap", "note"]), min_size=1, max_size=3),
    ),
    st.builds(lambda name: compare("proc.name", "=", name), st.sampled_from(["a", "b"])),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(negate),
        st.lists(inner, min_size=2, max_size=3).map(lambda children: both(*children)),
        st.lists(inner, min_size=2, max_size=3).map(lambda children: either(*children)),
    ),
    max_leaves=12,
)


def holds(expr: ast.Expr, event: dict[str, str]) -> bool:
    match expr:
        case ast.Not(child=child):
            return not holds(child, event)
        case ast.And(children=children):
            return all(holds(child, event) for child in children)
        case ast.Or(children=children):
            return any(holds(child, event) for child in children)
        case ast.Comparison(left=ast.FieldName(name=field), operator=operator, right=right):
            items = right.items if isinstance(right, ast.ListLiteral) else (right,)
            found = event[field] in [item.text for item in items if isinstance(item, ast.Literal)]
            return found is not (operator == "!=")
    raise AssertionError(expr)


@given(conditions, st.sampled_from(["open", "close", "mmap", "note"]), st.sampled_from(["a", "b", "c"]))
def test_a_condition_that_holds_for_an_event_names_the_event_s_types(expr: ast.Expr, name: str, process: str) -> None:
    if holds(expr, {"evt.type": name, "proc.name": process}):
        assert TYPES.codes(name) <= TYPES.infer(expr)


@given(conditions)
def test_a_double_negation_changes_nothing(expr: ast.Expr) -> None:
    assert TYPES.infer(negate(negate(expr))) == TYPES.infer(expr)
