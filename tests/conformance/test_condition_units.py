"""The unit tests of Falco's filter language: parser, printer, escapes, compiler, transformers."""

import json

import pytest
from recorded import scopes
from recorded.verdict import Reason, Verdict

from falco.conditions import ast, bind, warnings
from falco.conditions.check import check
from falco.conditions.checked import Check, Not, Or
from falco.conditions.errors import ConditionError
from falco.conditions.escaping import EscapeError, escape, unescape
from falco.conditions.parser import parse
from falco.conditions.printer import to_text
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN, Shape
from falco.documents.text import Text
from falco.fields.model import Field, FieldClass, FieldType
from falco.fields.registry import Fields

UPSTREAM_DEPTH = 100
"""The limit of the parser in upstream's unit tests."""


@pytest.fixture(scope="module")
def judge(conformance):
    """Judges the cases of one kind; ``differs(case)`` says how ours is not what was recorded, "" if it is."""
    path = conformance / "unit" / "cases.jsonl"
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def judge_kind(kind, differs):
        verdict = Verdict(f"unit/{kind}")
        for case in cases:
            if case["kind"] != kind:
                continue
            if case.get("obsolete"):
                verdict.excuse(Reason.OBSOLETE)
            elif how := differs(case):
                verdict.differ(case["id"], how)
            else:
                verdict.agree(case["id"])
        verdict.judge(path)

    return judge_kind


def unless_equal(ours, recorded):
    return "" if ours == recorded else f"{ours!r} instead of {recorded!r}"


def condition(text, **options):
    return parse(Text.of(text), **options)


def test_what_parses(judge):
    judge("filter_parse", parses)


def parses(case):
    text = case["filter"] if case["filter"] is not None else case["filter_gen"][0] * case["filter_gen"][1]
    variants = [text]
    if case.get("ws_variants"):
        variants += [f" {text} ", text.replace(" ", "\n"), text.replace(" ", "\t")]
    for variant in variants:
        try:
            condition(variant, max_depth=UPSTREAM_DEPTH)
        except ConditionError as error:
            if case["accept"] or case.get("error", "") not in error.message:
                return f"{variant[:80]!r}: {error.message}"
        else:
            if not case["accept"]:
                return f"{variant!r} is accepted"
    return ""


def test_the_tree(judge):
    judge("filter_ast", lambda case: unless_equal(tree(condition(case["filter"])), case["ast"]))


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


def test_how_a_condition_is_printed(judge):
    judge("filter_as_string", lambda case: unless_equal(to_text(condition(case["filter"])), case["as_string"]))


def test_what_is_printed_parses_to_the_same(judge):
    def differs(case):
        parsed = condition(case["filter"])
        return unless_equal(condition(to_text(parsed)), parsed)

    judge("filter_roundtrip", differs)


def test_what_is_equal(judge):
    judge("filter_equal", lambda case: unless_equal(condition(case["a"]) == condition(case["b"]), case["equal"]))


def test_a_condition_ends_with_its_text(judge):
    def differs(case):
        condition(case["filter"])
        return unless_equal(position(case["filter"], len(case["filter"])), case["end"])

    judge("filter_pos_end", differs)


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


def test_where_the_nodes_are(judge):
    def differs(case):
        found = ""
        for name, node in visited(condition(case["filter"])):
            at = position(case["filter"], node.extent.start)
            found += f"{name}{at['idx']} {at['line']} {at['col']}"
        if case.get("positions_contain", "") not in found:
            return f"{found} without {case['positions_contain']}"
        return unless_equal(found, case.get("positions", found))

    judge("filter_positions", differs)


def bytes_of(text):
    """Characters below U+0100 stand for single bytes in the record."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def test_escapes(judge):
    judge("escape", escapes)


def escapes(case):
    given = bytes_of(case["input"])
    recorded = bytes_of(case.get("output", case["input"]))
    operation = case["op"]
    if operation == "escape":
        return unless_equal(escape(given), recorded)
    written = given if operation == "unescape" else escape(given)
    try:
        found = unescape(written[1:-1], written[0])
    except EscapeError as error:
        return "" if case.get("throws") else str(error)
    return "is accepted" if case.get("throws") else unless_equal(found, recorded)


TYPES = {
    "PT_CHARBUF": FieldType.STRING,
    "PT_FSPATH": FieldType.FSPATH,
    "PT_FSRELPATH": FieldType.FSRELPATH,
    "PT_BYTEBUF": FieldType.BYTES,
    "PT_UINT64": FieldType.UINT64,
}


def test_what_a_transformer_makes(judge):
    def differs(case):
        transformer = BUILT_IN[case["transformer"]]
        shape = Shape(TYPES[case["input_type"]], case["is_list"])
        result = transformer.result([shape], None)
        function = transformer.bind([shape], None)
        made = function(case["input"]) if case["is_list"] else [function(value) for value in case["input"]]
        if not isinstance(made, list):
            made = [made]
        return unless_equal((result.type, made), (TYPES[case["expected_type"]], case["expected"]))

    judge("transformer", differs)


def test_what_types_a_transformer_takes(judge):
    def differs(case):
        transformer = BUILT_IN[case["transformer"]]
        ours = [
            {type_ for type_ in FieldType if takes(transformer, Shape(type_, is_list))} for is_list in (False, True)
        ]
        recorded = [case["supported_types"], case["supported_list_types"]]
        return unless_equal(
            ours, [set(FieldType) if names == "all" else {TYPES[name] for name in names} for names in recorded]
        )

    judge("transformer_types", differs)


def takes(transformer, shape):
    try:
        transformer.result([shape], None)
    except ValueError:
        return False
    return True


def test_comparisons_with_na_are_warned_about(judge):
    def differs(case):
        found = {warning.code for warning in warnings.of_expression(condition(case["filter"]))}
        return unless_equal(found, {"LOAD_UNSAFE_NA_CHECK"} if case["warns"] else set())

    judge("condition_warns", differs)


def constant(name, value, type_=FieldType.STRING):
    return Field(name, lambda _argument: lambda _event: value, type_, doc="A constant.", group=FieldClass("c"))


MOCKS = (
    constant("c.true", "1"),
    constant("c.false", "0"),
    constant("c.doublequote", 'hello "quoted"'),
    constant("c.singlequote", "hello 'quoted'"),
    constant("c.buffer", b"", FieldType.BYTES),
)


@pytest.fixture(scope="module")
def sources():
    """The event sources of upstream's unit tests: system calls, alone and with fields of constants."""
    plain = scopes.syscall(with_containers=False)
    mock = Scope("syscall", Fields("syscall", [*plain.fields, *MOCKS]), BUILT_IN, plain.event_types)
    return {"default": plain, "mock": mock}


def test_what_compiles(judge, sources):
    def differs(case):
        try:
            found = check(condition(case["filter"]), sources[case["factory"]])
        except ConditionError as error:
            message = case.get("error", error.message)
            return unless_equal((False, error.message), (case["compiles"], message))
        count = len(found.warnings)
        return unless_equal((True, count), (case["compiles"], count if case["warnings"] is None else case["warnings"]))

    judge("filter_compile", differs)


def test_what_conditions_over_constants_decide(judge, sources):
    def differs(case):
        found = check(condition(case["filter"]), sources["mock"])
        return unless_equal(holds(found.condition), case["result"])

    judge("filter_mock_run", differs)


def holds(node):
    if isinstance(node, Check):
        return bind.test(node)(None)
    if isinstance(node, Not):
        return not holds(node.child)
    return (any if isinstance(node, Or) else all)(map(holds, node.children))
