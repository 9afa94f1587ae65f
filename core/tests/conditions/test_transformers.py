import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions import bind
from falco.conditions.checked import Check
from falco.conditions.getopt import options
from falco.conditions.transformers import BUILT_IN, Shape, elementwise
from falco.documents.text import Text
from falco.fields import text as text_of
from falco.fields.model import FieldType
from falco.testing.strategies import texts, values

EVENT = {"t.text": "Ab/Cd", "t.list": ["X", "y"], "t.bytes": b"aGk=", "t.num": 7, "t.numbers": [1, 2], "t.path": "/a/b"}


@pytest.fixture(scope="session")
def value(checked):
    """The value of an operand for an event."""

    def read(operand, event=EVENT):
        condition = checked(f"{operand} exists").condition
        assert isinstance(condition, Check)
        return bind.getter(condition.left)(event)

    return read


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        ("tolower(t.text)", "ab/cd"),
        ("toupper(t.text)", "AB/CD"),
        ("tolower(t.list)", ["x", "y"]),
        ("basename(t.text)", "Cd"),
        ("basename('/a/')", ""),
        ("basename('')", ""),
        ("len(t.text)", 5),
        ("len(t.list)", 2),
        ("len(t.numbers)", 2),
        ("len(t.bytes)", 4),
        ("len('é')", 2),
        ("len(())", 0),
        ("b64(t.bytes)", b"hi"),
        ("b64('aGk')", "hi"),
        ("b64('aGk==')", "hi"),
        ("b64('')", ""),
        ("b64('AAA=')", ""),
        ("b64('w6k=')", "é"),
        ("b64('/w==')", "\udcff"),
        ("b64('aG k=')", None),
        ("b64('_-8=')", None),
        ("b64('a')", None),
        ("b64('create')", None),
        ("b64('aGk===')", None),
        ("b64((t.text, 'aGk='))", None),
        ("join('-', t.list)", "X-y"),
        ("join(', ', (t.text, t.num, 'x', t.list))", "Ab/Cd, 7, x, X, y"),
        ("join(',', ())", ""),
        ("join(1, t.numbers)", "112"),
        ("join(',', len(t.list))", "2"),
        ("concat(t.text, '-', 5)", "Ab/Cd-5"),
        ("concat('\\xc3', '\\xa9')", "é"),
        ("toupper(concat(t.text, tolower(t.text)))", "AB/CDAB/CD"),
        ("getopt(('-a', '1', '-b'), 'a:b')", ["a", "1", "b"]),
        ("getopt(('-a1'), 'a:')[a]", "1"),
        ("getopt(('-b'), 'b')[b]", "b"),
        ("getopt(('-a'), 'a')[z]", None),
        ("getopt((), 'a')", []),
        ("tolower(t.other)", None),
        ("concat(t.text, t.other)", None),
        ("join(',', (t.text, t.other))", None),
    ],
)
def test_what_a_transformer_makes_of_its_arguments(value, operand, expected):
    assert value(operand) == expected


def test_only_the_letters_of_ascii_change_case(value):
    assert value("tolower(t.text)", {"t.text": "ÀBÉ\udcc9I"}) == "ÀbÉ\udcc9i"
    assert value("toupper(t.text)", {"t.text": "àbéßi"}) == "àBéßI"


def test_hundreds_of_nested_transformers_can_be_read(value):
    assert value("tolower(" * 300 + "t.text" + ")" * 300) == "ab/cd"


@pytest.mark.parametrize(
    ("arguments", "specification", "expected"),
    [
        (["-a", "1", "-b"], "a:b", [("a", "1"), ("b", None)]),
        (["-abc"], "abc", [("a", None), ("b", None), ("c", None)]),
        (["-abx", "y"], "ab:x", [("a", None), ("b", "x")]),
        (["-a"], "a:", [("a", "")]),
        (["-x", "-a"], "a", [("?", None), ("a", None)]),
        (["--", "-a"], "a", []),
        (["cmd", "-a"], "a", []),
        (["--long", "-a"], "a", [("a", None)]),
        (["-"], "a", []),
        (["", "-a"], "a", []),
        (["-:"], ":a", [("?", None)]),
        (["-a", "-b"], "a:b", [("a", "-b")]),
    ],
)
def test_options_are_read_as_getopt_does(arguments, specification, expected):
    assert list(options(arguments, specification)) == expected


@given(st.lists(texts(8), max_size=5), texts(6))
def test_any_command_line_has_options(arguments, specification):
    for option, value in options(arguments, specification):
        assert option == "?" or (option in specification and option != ":")
        assert value is None or any(argument.endswith(value) for argument in arguments)


@given(st.data())
def test_transformers_never_raise_and_keep_their_type(data):
    transformer = data.draw(st.sampled_from(sorted(BUILT_IN.values(), key=lambda one: one.name)))
    kinds = [FieldType.STRING, FieldType.BYTES, FieldType.UINT64, FieldType.BOOL, FieldType.IPADDR]
    shapes = data.draw(st.lists(st.builds(Shape, st.sampled_from(kinds), st.booleans()), min_size=1, max_size=3))
    try:
        result = transformer.result(shapes, None)
    except ValueError:
        return
    made = transformer.bind(shapes, None)(*[data.draw(values(shape.type, is_list=shape.is_list)) for shape in shapes])

    expected = {FieldType.STRING: str, FieldType.BYTES: bytes, FieldType.UINT64: int}[result.type]
    if made is not None and result.is_list:
        assert isinstance(made, list)
        assert all(isinstance(item, expected) for item in made)
    elif made is not None:
        assert type(made) is expected


@given(texts())
def test_case_is_changed_byte_by_byte(value):
    for name, change in (("tolower", bytes.lower), ("toupper", bytes.upper)):
        function = BUILT_IN[name].bind([Shape(FieldType.STRING)], None)
        assert text_of.to_bytes(function(value)) == change(text_of.to_bytes(value))


def test_a_plugin_can_write_one(scope):
    from dataclasses import replace

    from falco.conditions.check import check
    from falco.conditions.parser import parse

    reverse = elementwise("reverse", "The text from its end.", lambda text: text[::-1])
    wider = replace(scope, transformers={**BUILT_IN, "reverse": reverse})
    condition = check(parse(Text.of("reverse(t.list) in (Xa, y)"), transformers=wider.transformers), wider).condition

    assert bind.test(condition)({"t.list": ["aX", "y"]})
    assert not bind.test(condition)({"t.list": ["Xa"]})
