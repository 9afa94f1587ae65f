from dataclasses import replace

import pytest

from falco.conditions import warnings
from falco.conditions.ast import And, Identifier, Not, Or
from falco.conditions.check import check, check_operand
from falco.conditions.checked import And as CheckedAnd
from falco.conditions.checked import Check, Constant, Modifier, Operator, Transformed
from falco.conditions.errors import ConditionError
from falco.conditions.parser import parse, parse_operand
from falco.documents.text import Text
from falco.fields.model import Field, FieldType
from falco.fields.registry import Fields

OPERATORS = {
    "=": "= 1",
    "!=": "!= 1",
    "<": "< 1",
    ">=": ">= 1",
    "in": "in (1)",
    "intersects": "intersects (1)",
    "contains": "contains 1",
    "icontains": "icontains 1",
    "startswith": "startswith 1",
    "endswith": "endswith 1",
    "glob": "glob 1",
    "iglob": "iglob 1",
    "regex": "regex 1",
    "pmatch": "pmatch (1)",
    "bcontains": "bcontains 11",
    "bstartswith": "bstartswith 11",
}
EQUALITY = {"=", "!=", "in", "intersects"}
ORDER = {"<", ">="}
PARTS = {"contains", "startswith", "endswith"}
ALLOWED = {
    "t.num": (EQUALITY | ORDER, "numeric"),
    "t.double": (EQUALITY | ORDER, "numeric"),
    "t.port": (EQUALITY | ORDER, "numeric"),
    "t.bool": (EQUALITY, "numeric"),
    "t.text": (OPERATORS.keys() - {"bcontains", "bstartswith"}, "string"),
    "t.path": (OPERATORS.keys() - {"bcontains", "bstartswith"}, "string"),
    "t.bytes": (EQUALITY | PARTS | {"bcontains", "bstartswith"}, "buffer"),
    "t.ip": (EQUALITY, "ip address and network"),
    "t.net": (EQUALITY, "ip address and network"),
}
LITERALS = {"t.bool": "true", "t.ip": "10.0.0.1", "t.net": "10.0.0.0/8"}


@pytest.fixture(scope="session")
def error(checked):
    def find(condition):
        with pytest.raises(ConditionError) as caught:
            checked(condition)
        return caught.value

    return find


def place(error):
    return str(error.extent.text)[error.extent.start : error.extent.end]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("field", ALLOWED)
def test_each_type_allows_its_operators(checked, error, field, operator):
    allowed, kind = ALLOWED[field]
    right = OPERATORS[operator].replace("1", LITERALS.get(field, "1")) if operator in allowed else OPERATORS[operator]
    condition = f"{field} {right}"

    if operator in allowed:
        assert checked(condition).condition.operator is Operator(operator)
    else:
        found = error(condition)
        assert found.message == f"filter error: '{operator}' operator not supported for {kind} filters"
        assert place(found) == operator
        assert "use one of exists, =" in found.hint


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_lists_allow_membership_only(checked, error, operator):
    condition = f"t.list {OPERATORS[operator]}"

    if operator in {"in", "intersects"}:
        assert checked(condition).condition.right == ("1",)
    else:
        assert error(condition).message == f"filter error: '{operator}' operator not supported list filters"


def test_types_that_falco_forgot_can_only_exist(checked, error):
    assert checked("t.uid exists").condition.operator is Operator.EXISTS
    assert error("t.uid = 1").message == "filter error: '=' operator not supported for type 'UID'"


@pytest.mark.parametrize(
    ("condition", "message", "where"),
    [
        ("t.nothing = 1", "filter_check called with nonexistent field t.nothing", "t.nothing"),
        ("t.text[1] = 1", "filter 't.text[1]': t.text does not allow nor require an argument but one is", "t.text[1]"),
        ("a = t.text", "unexpected token after 'a', expecting 'or', 'and'", "="),
        ("name", "Undefined macro 'name' used in filter.", "name"),
        ("t.num in (1, x)", "x is not a valid number", "x"),
        ("t.text = '\\x00'", "filter error: filter value cannot contain a NUL byte (\\x00)", "'\\x00'"),
        ("t.text regex '('", "invalid regex pattern: missing ): (", "'('"),
        ("t.text regex val(t.other)", "operator 'REGEX' doesn't support right-hand side fields", "val(t.other)"),
        ("t.text pmatch val(t.other)", "operator 'PMATCH' doesn't support right-hand side fields", "val(t.other)"),
        ("t.net = val(t.net)", "field type 'IPNET' doesn't support right-hand side fields", "val(t.net)"),
        ("t.any = val(t.text)", "field 't.any' doesn't support right-hand side fields", "val(t.text)"),
        ("t.text = val(t.any)", "field 't.any' can't be used as a right-hand side field", "val(t.any)"),
        (
            "t.text = val(t.list)",
            "field 't.text' has type 'CHARBUF' while the right-hand side field 't.list' has incompatible type 'CHARBUF (li",
            "val(t.list)",
        ),
        (
            "len('a') = val(t.text)",
            "field 'NA' has type 'UINT64' while the right-hand side field 't.text' has incompatible type 'CHARBUF'",
            "val(t.text)",
        ),
        (
            "t.text = val(t.text)[0]",
            "filter error: transformer 'val' does not support field arguments",
            "val(t.text)[0]",
        ),
        ("tolower(t.any) = a", "field 't.any' does not support transformers", "tolower(t.any)"),
        ("tolower(t.text)[x] = a", "filter error: transformer 'tolower' does not support field", "tolower(t.text)[x]"),
        (
            "tolower(len(t.text)) = a",
            "can't add field transformer: type 'UINT64' is not supported by 'tolower' transformer applied on field 't.text'",
            "tolower(len(t.text))",
        ),
        ("tolower(t.text, t.text) = a", "tolower() requires exactly 1 argument", "tolower(t.text, t.text)"),
        ("join(t.list) = a", "unknown field transfomer 'join'", "join(t.list)"),
        ("join(t.list, t.list) = a", "join() first argument (separator) must be a single value, not a list", None),
        ("join(',', t.text) = a", "join() second argument must be a list", None),
        ("join(',', t.list, t.list) = a", "join() requires exactly 2 arguments: separator and list", None),
        ("concat(t.text, t.num) = a", "concat() arguments must be strings", None),
        ("getopt(t.text, 'a') exists", "getopt() first argument must be a list", None),
        ("getopt(t.list, 'a')[ab] exists", "getopt() field argument must be a single option character", None),
        ("getopt(t.list, 'a', 'b') exists", "getopt() requires exactly 2 arguments: args list and optstring", None),
    ],
)
def test_an_error_is_falcos_sentence_at_what_is_wrong(error, condition, message, where):
    found = error(f"t.bool = true and  {condition}")

    assert found.message.startswith(message)
    if where is not None:
        assert place(found) == where
    if "unexpected" not in message:
        assert found.reported_at == len("t.bool = true and  ")


def test_an_unknown_field_is_answered_with_the_closest_names(error):
    assert error("t.txt = 1").hint == "did you mean 't.text'?"


def test_literals_have_the_type_of_the_left_side(checked):
    assert checked("t.num in (1, 2)").condition.right == (1, 2)
    assert checked("len(t.text) = 3").condition.right == (3,)
    assert checked("t.text in (1, '2')").condition.right == ("1", "2")
    assert checked("t.bytes bcontains CAFE").condition.right == (b"\xca\xfe",)
    assert checked("t.text in names").condition.right == ("names",)
    assert checked("t.text in ()").condition.right == ()


def test_modifiers_and_both_spellings_of_equality(checked):
    expected = checked("t.text = oneof (a)").condition

    assert expected == checked("t.text == oneof (a)").condition
    assert expected.modifier is Modifier.ONEOF
    assert checked("t.text == a").condition == checked("t.text = a").condition


def test_groups_become_flat_and_double_negations_vanish(checked):
    inner = checked("t.text = a").condition
    condition = checked("t.text = a and (t.text = a and not not(not (t.text = a)))").condition

    assert isinstance(condition, CheckedAnd)
    assert [type(child).__name__ for child in condition.children] == ["Check", "Check", "Not"]
    assert condition.children[2].child == inner
    assert checked("not(not t.text = a)").condition == inner


def test_a_chain_of_any_length_can_be_checked(scope):
    leaf = parse(Text.of("t.num = 1"))
    expr = leaf
    for level in range(2_000):
        expr = (And if level % 2 else Or)((Not(expr, leaf.extent), leaf), leaf.extent)

    assert check(expr, scope).condition is not None


def test_nested_transformers_compare_without_recursion(checked):
    text = "tolower(" * 400 + "t.text" + ")" * 400 + " = a"
    first, second = checked(text).condition, checked(text).condition

    assert first == second
    assert hash(first) == hash(second)
    assert first != checked(text.replace("t.text", "t.other")).condition


def test_a_list_in_a_transformer_is_a_list_of_texts(checked):
    joined = checked("join(',', (t.num, 'x')) exists").condition.left

    assert joined.type is FieldType.STRING
    assert not joined.is_list
    assert joined.arguments[0] == Constant(",", FieldType.STRING)
    assert isinstance(joined.arguments[1], Transformed)
    assert joined.arguments[1].is_list
    assert [str(type(item).__name__) for item in joined.arguments[1].arguments] == ["FieldUse", "Constant"]


def test_falcos_leniency_join_asks_the_field_for_a_list_not_the_value(checked):
    assert checked("join(',', len(t.list)) exists").condition.operator is Operator.EXISTS


def test_operands_of_templates_are_checked_alike(scope):
    operand = check_operand(parse_operand(Text.of("toupper(t.key[a])")), scope)

    assert operand.arguments[0].text == "t.key[a]"
    with pytest.raises(ConditionError, match="nonexistent"):
        check_operand(parse_operand(Text.of("toupper(t.nothing)")), scope)


def test_names_of_event_types_are_checked(scope):
    class Known:
        all = frozenset({1, 2})

        def is_known(self, name):
            return name in {"open", "read"}

        def names(self, _codes):
            return frozenset({"open", "read"})

    of_type = Field("evt.type", lambda _a: lambda event: event, doc="Name of the event.")
    typed = replace(scope, fields=Fields("test", (of_type,)), event_types=Known())

    for condition in (
        "evt.type = open",
        "evt.type in (open, read)",
        "evt.type startswith open",
        "toupper(evt.type) = read",
    ):
        assert isinstance(check(parse(Text.of(condition)), typed).condition, Check)
    for condition in ("evt.type = opn", "evt.type in (open, opn)", "evt.type contains opn", "toupper(evt.type) = opn"):
        with pytest.raises(ConditionError, match="unknown event type opn"):
            check(parse(Text.of(condition)), typed)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            "t.text = t.other",
            [("LOAD_COMPILE_CONDITION", "'t.other' may be a valid field misused as a const string value")],
        ),
        ("t.text in ('t.key[x]')", [("LOAD_COMPILE_CONDITION", "'t.key[x]' may be a valid field misused as")]),
        ("t.text = t.key", []),
        ("t.text = t.nothing", []),
        ("t.text = 't. other'", [("LOAD_COMPILE_CONDITION", "'t. other' may be a valid field misused as")]),
        (
            "t.text = 'tolower(x)'",
            [
                (
                    "LOAD_COMPILE_CONDITION",
                    "'tolower(x)' may be a valid field transformer misused as a const string value",
                )
            ],
        ),
        ("t.text = 'val(t.other)'", [("LOAD_COMPILE_CONDITION", "'val(t.other)' may be a valid field transformer")]),
        ("t.text = 'shout(x)'", []),
        (
            "t.text regex oneof ('^a.*', 'a.c', '.+b$', '[a]')",
            [
                (
                    "LOAD_COMPILE_CONDITION",
                    "regex check with '^a.*' may be optimized with simpler operators such as '='",
                ),
                (
                    "LOAD_COMPILE_CONDITION",
                    "regex check with '.+b$' may be optimized with simpler operators such as '='",
                ),
            ],
        ),
        ("ka.verb = <NA>", [("LOAD_UNSAFE_NA_CHECK", "")]),
        ("concat('x', ka.verb) in (a, <NA>)", [("LOAD_UNSAFE_NA_CHECK", "")]),
        ("ka.verb = oneof (<NA>) or ka.verb contains <NA> or t.text = <NA>", []),
    ],
)
def test_warnings(checked, condition, expected):
    found = checked(condition).warnings

    assert [warning.code for warning in found] == [code for code, _ in expected]
    assert all(warning.message.startswith(start) for warning, (_, start) in zip(found, expected, strict=True))


def test_a_warning_knows_the_value_it_is_about(checked):
    (warning,) = checked("t.text in (a, t.other)").warnings

    assert str(warning.extent.text)[warning.extent.start : warning.extent.end] == "t.other"


def test_deprecated_fields_are_warned_about_even_if_there_are_none(error):
    expr = parse(Text.of("evt.dir = < and tolower(evt.latency.human) = x and evt.dir = >"))
    found = warnings.of_expression(expr)

    assert [(warning.code, warning.field) for warning in found] == [
        ("LOAD_DEPRECATED_ITEM", "evt.dir"),
        ("LOAD_DEPRECATED_ITEM", "evt.latency.human"),
    ]
    assert error("evt.dir = <").message == "filter_check called with nonexistent field evt.dir"


def test_a_macro_reference_is_an_error_of_its_own(scope):
    name = parse(Text.of("a or b"))

    with pytest.raises(ConditionError, match="Undefined macro 'a'"):
        check(name, scope)
    assert isinstance(name.children[0], Identifier)
