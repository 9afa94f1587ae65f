"""The unit tests of Falco's filter language: parser, printer, escapes, compiler, transformers."""

import json
from dataclasses import replace
from functools import cache

import pytest
from conformance.differences import judge
from conformance.reasons import Reason

from falco.conditions import ast, bind, walk, warnings
from falco.conditions.check import check
from falco.conditions.checked import Check
from falco.conditions.checked import Not as CheckedNot
from falco.conditions.checked import Or as CheckedOr
from falco.conditions.errors import ConditionError
from falco.conditions.escaping import EscapeError, escape, unescape
from falco.conditions.event_types import EventTypes
from falco.conditions.parser import parse
from falco.conditions.printer import to_text
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN, Shape
from falco.documents.text import Text
from falco.fields import evt
from falco.fields.model import Field, FieldClass, FieldType
from falco.fields.registry import Fields
from falco.rules.loader import RuleLoader
from falco_syscall.catalogue.events import CATALOGUE
from falco_syscall.catalogue.fields import definitions

UPSTREAM_DEPTH = 100
"""The limit of the parser in upstream's unit tests."""


def cases(kind):
    """Reads the cases of one kind."""

    def read(folder):
        with (folder / "unit" / "cases.jsonl").open(encoding="utf-8") as file:
            for line in file:
                case = json.loads(line)
                if case["kind"] == kind:
                    yield case["id"], case, _reason(case)

    return read


def _reason(case):
    """One case of macros is a tree that its note says cannot be written as text."""
    is_obsolete = case.get("obsolete") or case.get("resolved_filter", "") is None
    return Reason.OBSOLETE if is_obsolete else None


def unit(kind):
    return pytest.mark.recorded("conformance", f"unit/{kind}", cases(kind))


def condition(text, **options):
    return parse(Text.of(text), **options)


def parsed_or_error(text):
    try:
        return condition(text, max_depth=UPSTREAM_DEPTH)
    except ConditionError as error:
        return error.message


@unit("filter_parse")
def test_what_parses(case):
    text = case["filter"] if case["filter"] is not None else case["filter_gen"][0] * case["filter_gen"][1]
    variants = [text]
    if case.get("ws_variants"):
        variants += [f" {text} ", text.replace(" ", "\n"), text.replace(" ", "\t")]
    for variant in variants:
        found = parsed_or_error(variant)
        assert isinstance(found, str) != case["accept"], variant
        assert case["accept"] or case.get("error", "") in found


def tree(node):
    """The AST as the record writes it."""
    match node:
        case ast.And() | ast.Or():
            return {"t": type(node).__name__.lower(), "children": [tree(child) for child in node.children]}
        case ast.Not():
            return {"t": "not", "child": tree(node.child)}
        case ast.Identifier():
            return {"t": "identifier", "id": node.name}
        case ast.Exists():
            return {"t": "unary", "left": tree(node.left), "op": "exists"}
        case ast.Comparison(right=ast.Identifier(name=name)):
            return {"t": "binary", "left": tree(node.left), "op": node.operator, "right": {"t": "value", "value": name}}
        case ast.Comparison():
            return {"t": "binary", "left": tree(node.left), "op": node.operator, "right": tree(node.right)}
        case ast.FieldName():
            return {"t": "field", "field": node.name} | ({} if node.argument is None else {"arg": node.argument})
        case ast.Literal():
            return {"t": "value", "value": node.text}
        case ast.ListLiteral():
            return {"t": "list", "values": [item.text for item in node.items]}
        case ast.TransformerCall():
            values = [tree(item) for item in node.arguments]
            argument = {} if node.argument is None else {"arg": node.argument}
            return {"t": "transformer", "transformer": node.name, "values": values} | argument
    raise AssertionError(node)


@unit("filter_ast")
def test_the_tree(case):
    assert tree(condition(case["filter"])) == case["ast"]


@unit("filter_as_string")
def test_how_it_prints(case):
    assert to_text(condition(case["filter"])) == case["as_string"]


@unit("filter_roundtrip")
def test_what_is_printed_parses_to_the_same(case):
    parsed = condition(case["filter"])

    assert condition(to_text(parsed)) == parsed


@unit("filter_equal")
def test_what_is_equal(case):
    assert (condition(case["a"]) == condition(case["b"])) == case["equal"]


@unit("filter_pos_end")
def test_a_condition_ends_with_its_text(case):
    text = case["filter"]

    condition(text)
    assert case["end"] == position(text, len(text))


def position(text, index):
    before = text[:index]
    return {"idx": index, "line": before.count("\n") + 1, "col": index - (before.rfind("\n") + 1) + 1}


def visited(node):
    """Nodes in Falco's order, by its names."""
    match node:
        case ast.And() | ast.Or():
            yield type(node).__name__.lower(), node
            for child in node.children:
                yield from visited(child)
        case ast.Not():
            yield "not", node
            yield from visited(node.child)
        case ast.Exists():
            yield "unary", node
            yield from visited(node.left)
        case ast.Comparison():
            yield "binary", node
            yield from visited(node.left)
            yield from visited(node.right)
        case ast.TransformerCall():
            yield "transformer", node
            for item in node.arguments:
                yield from ((("transformer_list", item),) if isinstance(item, ast.ListLiteral) else visited(item))
        case ast.ListLiteral():
            yield "list", node
        case _:
            yield {"FieldName": "field", "Literal": "value", "Identifier": "identifier"}[type(node).__name__], node


@unit("filter_positions")
def test_where_the_nodes_are(case):
    text = case["filter"]
    found = ""
    for name, node in visited(condition(text)):
        at = position(text, node.extent.start)
        found += f"{name}{at['idx']} {at['line']} {at['col']}"
    if "positions" in case:
        assert found == case["positions"]
    assert case.get("positions_contain", "") in found


def bytes_of(text):
    """Characters below U+0100 stand for single bytes in the record."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


@unit("escape")
def test_escapes(case):
    given = bytes_of(case["input"])
    operation = case["op"]
    if operation == "unescape":
        try:
            assert unescape(given[1:-1], given[0]) == bytes_of(case["output"])
        except EscapeError:
            assert case.get("throws")
        return
    written = escape(given)
    if operation == "escape":
        assert written == bytes_of(case["output"])
    else:
        assert unescape(written[1:-1], '"') == bytes_of(case.get("output", case["input"]))


TYPES = {
    "PT_CHARBUF": FieldType.STRING,
    "PT_FSPATH": FieldType.FSPATH,
    "PT_FSRELPATH": FieldType.FSRELPATH,
    "PT_BYTEBUF": FieldType.BYTES,
    "PT_UINT64": FieldType.UINT64,
}


@unit("transformer")
def test_what_a_transformer_makes(case):
    transformer = BUILT_IN[case["transformer"]]
    shape = Shape(TYPES[case["input_type"]], case["is_list"])
    result = transformer.result([shape], None)
    function = transformer.bind([shape], None)
    made = [function(case["input"])] if case["is_list"] else [function(value) for value in case["input"]]
    if case["is_list"] and result.is_list:
        (made,) = made

    assert result.type is TYPES[case["expected_type"]]
    assert made == case["expected"]


@unit("transformer_types")
def test_what_types_a_transformer_takes(case):
    def taken(*, is_list):
        found = set()
        for type_ in FieldType:
            try:
                BUILT_IN[case["transformer"]].result([Shape(type_, is_list)], None)
            except ValueError:
                continue
            found.add(type_)
        return found

    def recorded(key):
        return set(FieldType) if case[key] == "all" else {TYPES[name] for name in case[key]}

    assert taken(is_list=False) == recorded("supported_types")
    assert taken(is_list=True) == recorded("supported_list_types")


@unit("condition_warns")
def test_comparisons_with_na_are_warned_about(case):
    found = warnings.of_expression(condition(case["filter"]))

    assert bool(found) == case["warns"]
    assert {warning.code for warning in found} <= {"LOAD_UNSAFE_NA_CHECK"}


@unit("filter_details")
def test_what_a_condition_names(case):
    leaves = list(walk.leaves(condition(case["filter"])))
    operands = [operand for leaf in leaves for operand in walk.operands(leaf)]
    expected = case["expect"]
    found = {
        "fields": [operand.name for operand in operands if isinstance(operand, ast.FieldName)],
        "macros": [leaf.name for leaf in leaves if isinstance(leaf, ast.Identifier)],
        "operators": [leaf.operator for leaf in leaves if isinstance(leaf, ast.Comparison)],
        "lists": [operand.text for operand in operands if getattr(operand, "text", None) in case["known_lists"]],
        "transformers": [operand.name for operand in operands if isinstance(operand, ast.TransformerCall)],
    }

    assert {key: set(found[key]) for key in expected} == {key: set(names) for key, names in expected.items()}


def fields_in(texts):
    leaves = [leaf for text in texts for leaf in walk.leaves(condition(text))]
    return {
        operand.name for leaf in leaves for operand in walk.operands(leaf) if isinstance(operand, ast.FieldName)
    }


@unit("macro_resolve")
def test_macros_are_replaced_by_their_conditions(case):
    macros, text = case["macros"], case["filter"]
    names = fields_in([text, *macros.values()])
    known = Scope("syscall", Fields("syscall", [constant(name, "") for name in names]), BUILT_IN)
    items = [{"macro": name, "condition": body} for name, body in reversed(macros.items())]
    items.append({"rule": "r", "desc": "d", "condition": text, "output": "o", "priority": "INFO"})
    loader = RuleLoader({"syscall": known})
    result = loader.load("rules.yaml", json.dumps(items).encode())

    if case["unknown_macros"]:
        (name,) = case["unknown_macros"]
        assert [error.message for error in result.errors] == [f"Undefined macro '{name}' used in filter."]
    else:
        (rule,) = loader.compiled.rules
        assert rule.expr == condition(case["resolved_filter"])
        assert {name for name, macro in loader.compiled.macros.items() if macro.is_used} == set(case["resolved_macros"])


def absent(_argument):
    return lambda _event: None


def constant(name, value, type_=FieldType.STRING):
    return Field(name, lambda _argument: lambda _event: value, type_, doc="A constant.", group=FieldClass("c"))


MOCKS = (
    constant("c.true", "1"),
    constant("c.false", "0"),
    constant("c.doublequote", 'hello "quoted"'),
    constant("c.singlequote", "hello 'quoted'"),
    constant("c.buffer", b"", FieldType.BYTES),
)


@cache
def scope(factory):
    """The fields of the syscall source, which nothing can be read from; those of the mock factory hold constants."""
    fields = [replace(field, bind=absent) for field in definitions()]
    fields += evt.fields(source="syscall", hostname="host")
    if factory == "mock":
        fields += MOCKS
    return Scope("syscall", Fields("syscall", fields), BUILT_IN, EventTypes(CATALOGUE))


@unit("filter_compile")
def test_what_compiles(case):
    try:
        found = check(condition(case["filter"]), scope(case["factory"]))
        ours = (True, len(found.warnings), "")
    except ConditionError as error:
        ours = (False, 0, error.message)
    recorded = (
        case["compiles"],
        ours[1] if case["warnings"] is None else case["warnings"],
        case.get("error", ours[2]),
    )
    judge("unit/filter_compile", case, ours, recorded)


def holds(node):
    if isinstance(node, Check):
        return bind.test(node)(None)
    if isinstance(node, CheckedNot):
        return not holds(node.child)
    return (any if isinstance(node, CheckedOr) else all)(map(holds, node.children))


@unit("filter_mock_run")
def test_what_a_condition_over_constants_decides(case):
    assert holds(check(condition(case["filter"]), scope("mock")).condition) == case["result"]
