from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions import bind, families
from falco.conditions.checked import Check, Constant, Modifier, Operator
from falco.conditions.literals import convert
from falco.conditions.operators import comparison, predicate
from falco.fields import text as text_of
from falco.fields.model import Field, FieldType, FieldUse, Quantifier
from falco.testing.strategies import texts, values

IP4, IP6 = ip_address("10.1.2.3"), ip_address("::1")


@pytest.fixture(scope="session")
def holds(checked):
    return lambda condition, event: bind.test(checked(condition).condition)(event)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("t.text = a", "a", True),
        ("t.text = a", "A", False),
        ("t.text != a", "b", True),
        ("t.text = ''", "", True),
        ("t.text < 5", "4", True),
        ("t.text < 5", "40", True),
        ("t.text > 5", "é", True),
        ("t.text >= 5", "5", True),
        ("t.text <= 5", "5x", False),
        ("t.text contains bc", "abcd", True),
        ("t.text contains ''", "", True),
        ("t.text contains '\\xa9'", "é", True),
        ("t.text startswith '\\xc3'", "é", True),
        ("t.text endswith '\\xa9'", "é", True),
        ("t.text contains é", "\udcc3é", True),
        ("t.text icontains BC", "abcd", True),
        ("t.text icontains É", "é", False),
        ("t.text icontains 'É'", "xÉ", True),
        ("t.text startswith a", "ba", False),
        ("t.text endswith a", "ba", True),
        ("t.text glob a*", "abc", True),
        ("t.text iglob A*", "abc", True),
        ("t.text regex 'a.c'", "abc", True),
        ("t.text regex 'b'", "abc", False),
        ("t.text pmatch (/a, /b*)", "/bc/d", True),
        ("t.text in (a, b)", "b", True),
        ("t.text intersects (a, b)", "c", False),
        ("t.text in ()", "", False),
        ("t.num = 5", 5, True),
        ("t.num > -1", 5, False),
        ("t.num in (1, 5)", 5, True),
        ("t.signed < -1", -2, True),
        ("t.double >= 2", 2.5, True),
        ("t.bool = true", True, True),
        ("t.bool in (false)", True, False),
        ("t.bytes = ab", b"ab", True),
        ("t.bytes contains '\\x00'", b"a\0b", True),
        ("t.bytes startswith a", b"ab", True),
        ("t.bytes endswith a", b"ab", False),
        ("t.bytes bcontains 6162", b"xabx", True),
        ("t.bytes bstartswith 6162", b"xab", False),
        ("t.bytes in (ab)", b"ab", True),
        ("t.ip = 10.1.2.3", IP4, True),
        ("t.ip = 10.1.2.3", IP6, False),
        ("t.ip != 10.1.2.3", IP6, True),
        ("t.ip in (10.1.2.3, ::1)", IP6, True),
        ("t.net = 10.0.0.0/8", IP4, True),
        ("t.net != 10.0.0.0/8", IP6, True),
        ("t.net in (::/64, 10.0.0.0/24)", IP4, False),
        ("t.net intersects (::/64, 10.0.0.0/8)", IP4, True),
        ("t.list in (a, b)", ["a", "a"], True),
        ("t.list in (a, b)", ["a", "c"], False),
        ("t.list in (a)", [], True),
        ("t.list intersects (a)", ["c", "a"], True),
        ("t.list intersects (a)", [], False),
        ("t.numbers intersects (2)", [1, 2], True),
        ("t.text = oneof (a, b)", "a", True),
        ("t.text = oneof (a, a)", "a", False),
        ("t.text contains anyof (x, a)", "abc", True),
        ("t.text contains allof (b, a)", "abc", True),
        ("t.text != allof (b, a)", "b", False),
        ("t.text != anyof ()", "b", False),
        ("t.text = allof ()", "b", False),
        ("t.ip != allof (10.1.2.3, ::1)", IP4, False),
        ("t.net = anyof (::/64, 10.0.0.0/8)", IP4, True),
        ("t.any = a", ("x", "a"), True),
        ("t.any != a", ("x", "a"), True),
        ("t.any != a", ("a",), False),
        ("t.any = a", (), False),
        ("t.any = allof (a, b)", ("x", "a"), True),
        ("t.any = oneof (b, a)", ("x", "a"), False),
        ("t.any = oneof ()", ("x", "a"), False),
        ("t.any glob a*", ("x", "ab"), True),
        ("t.both = 80", (22, 80), True),
        ("t.both != 80", (22, 80), False),
        ("t.both != 80", (22, 23), True),
        ("t.both != 80", (), False),
        ("t.both in (80, 81)", (22, 81), True),
        ("t.both < 80", (22, 443), True),
        ("t.both = 80", 80, True),
    ],
)
def test_what_an_operator_decides(holds, condition, value, expected):
    assert holds(condition, {condition.split()[0]: value}) is expected


def test_an_absent_value_satisfies_nothing(holds):
    for condition in ("t.text exists", "t.text != a", "t.list in ()", "t.text = val(t.other)", "t.any != a"):
        assert not holds(condition, {})
    assert not holds("t.text != val(t.other)", {"t.text": "a"})
    assert holds("t.text exists", {"t.text": ""})


@pytest.mark.parametrize(
    ("condition", "left", "right", "expected"),
    [
        ("t.text = val(t.other)", "a", "a", True),
        ("t.text != val(t.other)", "a", "a", False),
        ("t.text in val(t.other)", "a", "a", True),
        ("t.text intersects tolower(t.other)", "a", "A", True),
        ("t.text contains val(t.other)", "é", "\udca9", True),
        ("t.text icontains val(t.other)", "abc", "B", True),
        ("t.text glob val(t.other)", "abc", "a?c", True),
        ("t.text glob val(t.other)", "a\\b", "a\\b", False),
        ("t.text iglob val(t.other)", "ABC", "a*", True),
        ("t.text < val(t.other)", "a", "b", True),
        ("t.text startswith val(t.other)", "ab", "a", True),
        ("t.text endswith val(t.other)", "ab", "a", False),
    ],
)
def test_what_an_operator_decides_between_two_fields(holds, condition, left, right, expected):
    assert holds(condition, {"t.text": left, "t.other": right}) is expected


def test_lists_on_both_sides_are_sets(holds):
    assert holds("t.list in tolower(t.list)", {"t.list": ["a", "b"]})
    assert not holds("t.list in tolower(t.list)", {"t.list": ["a", "B"]})
    assert holds("t.list intersects tolower(t.list)", {"t.list": ["a", "B"]})
    assert holds("t.list in val(t.list)", {"t.list": []})


ALL_TYPES = sorted(
    (t for t in FieldType if not families.problem(t, Operator.EQ, is_list=False, has_modifier=False)), key=str
)


@given(st.data())
def test_no_predicate_raises_on_a_value_of_its_type(data):
    type_ = data.draw(st.sampled_from(ALL_TYPES))
    operators = [o for o in Operator if not families.problem(type_, o, is_list=False, has_modifier=False)]
    operator = data.draw(st.sampled_from(operators))
    takes_list = operator in {Operator.IN, Operator.INTERSECTS, Operator.PMATCH}
    modifier = None if takes_list or operator is Operator.EXISTS else data.draw(st.none() | st.sampled_from(Modifier))
    count = data.draw(st.integers(0, 3)) if takes_list or modifier else 1
    left = Constant("", type_)
    literals = []
    for _ in range(count):
        written = data.draw(st.sampled_from(("1", "true", "10.0.0.1", "10.0.0.0/8", "a*", "[a-z]+", "")) | texts(5))
        try:
            literals.append(convert(written, type_, operator))
        except ValueError:
            return
    check = Check(left, operator, tuple(literals), modifier)

    assert predicate(check)(data.draw(values(type_))) in {True, False}


@given(st.data())
def test_a_comparison_of_two_values_agrees_with_the_literal(data):
    operators = set(Operator) - {
        Operator.EXISTS,
        Operator.REGEX,
        Operator.PMATCH,
        Operator.BCONTAINS,
        Operator.BSTARTSWITH,
    }
    operator = data.draw(st.sampled_from(sorted(operators, key=str)))
    left = Constant("", FieldType.STRING)
    value, other = data.draw(texts()), data.draw(texts())

    assert comparison(Check(left, operator, left))(value, other) == predicate(Check(left, operator, (other,)))(value)


@given(texts(), texts())
def test_texts_compare_as_their_bytes(value, other):
    data, part = text_of.to_bytes(value), text_of.to_bytes(other)
    expected = {
        Operator.LT: data < part,
        Operator.GE: data >= part,
        Operator.CONTAINS: part in data,
        Operator.ICONTAINS: part.lower() in data.lower(),
        Operator.STARTSWITH: data.startswith(part),
        Operator.ENDSWITH: data.endswith(part),
    }

    for operator, truth in expected.items():
        assert predicate(Check(Constant("", FieldType.STRING), operator, (other,)))(value) == truth, operator


@pytest.mark.parametrize(
    ("value", "modifier", "expected"),
    [
        (("a",), Modifier.ALLOF, True),  # an ancestor is the first literal
        (("b",), Modifier.ANYOF, False),
        ("b", Modifier.ANYOF, True),  # the ancestor that was asked for is one of the literals
        ("a", Modifier.ALLOF, False),
        ((), Modifier.ANYOF, False),
    ],
)
def test_modifiers_of_candidates_look_at_the_first_literal_and_of_one_value_at_all(value, modifier, expected):
    made = Field("t.any", lambda _argument: None, quantifier=Quantifier.ANY)
    check = Check(FieldUse("t.any", None, made), Operator.EQ, ("a", "b"), modifier)

    assert predicate(check)(value) is expected
