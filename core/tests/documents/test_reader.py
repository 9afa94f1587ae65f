import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.documents import reader
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode


def one(text: str) -> Node:
    (node,) = reader.read(text.encode(), "f.yaml")
    return node


def plain(node: Node) -> object:
    match node:
        case ScalarNode():
            return None if node.is_null else node.text
        case SequenceNode():
            return [plain(item) for item in node.items]
        case MappingNode():
            return [(plain(key), plain(value)) for key, value in node.pairs]


def test_scalars_stay_the_text_that_was_written():
    node = one("[yes, 010, 1.0, 0x1f, ~, 'null', 2020-01-01, '']")

    assert plain(node) == ["yes", "010", "1.0", "0x1f", None, "null", "2020-01-01", ""]


def test_repeated_keys_are_kept_and_the_first_is_found():
    node = one("a: 1\na: 2\n<<: {b: 3}\n")

    assert isinstance(node, MappingNode)
    assert plain(node) == [("a", "1"), ("a", "2"), ("<<", [("b", "3")])]
    assert plain(node.get("a")) == "1"
    assert node.get("b") is None


def test_every_document_is_a_node():
    assert [plain(node) for node in reader.read(b"---\na\n---\n---\n[b]\n", "f")] == ["a", None, ["b"]]
    assert reader.read(b"# nothing\n", "f") == []


def test_spans_say_where_a_node_is_written():
    text = "- a: &x 'q'\n  b:\n    - c\n\n- [d,\n   e]\n"
    node = one(text)

    assert isinstance(node, SequenceNode)
    mapping, flow = node.items
    assert isinstance(mapping, MappingNode)
    slices = [
        text[n.span.start.index : n.span.end.index] for n in (mapping.pairs[0][1], mapping.pairs[1][1], mapping, flow)
    ]
    assert slices == ["&x 'q'", "- c", "a: &x 'q'\n  b:\n    - c", "[d,\n   e]"]
    assert (flow.span.file, flow.span.start.line, flow.span.start.column) == ("f.yaml", 4, 2)


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    node = one("\ufeffa: b\r\nc: |\r\n  d\r\n  e\r\n")

    assert isinstance(node, MappingNode)
    assert plain(node) == [("a", "b"), ("c", "d\ne\n")]
    assert node.pairs[1][0].span.start.line == 1
    assert node.pairs[1][0].span.start.column == 0


def test_styles_are_told_apart():
    node = one("[a, 'a', \"a\"]")

    assert isinstance(node, SequenceNode)
    assert [item.style for item in node.items if isinstance(item, ScalarNode)] == [
        ScalarStyle.PLAIN,
        ScalarStyle.SINGLE,
        ScalarStyle.DOUBLE,
    ]


def test_an_alias_is_the_node_it_stands_for():
    assert plain(one("a: &x [1]\nb: *x\n")) == [("a", ["1"]), ("b", ["1"])]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
DEEP_ALIASES = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("data", "place", "part"),
    [
        (b"a: [", "f:1:5", "not YAML"),
        (b"a: b: c", "f:1:5", "not YAML"),
        (b"a:\n\t- b", "f:2:1", "not YAML"),
        (b"a: 'x", "f:1:6", "not YAML"),
        (b"a: b\nc: \xff", "f:2:4", "byte 0xff is not UTF-8"),
        (b"a: b\nc: x\0y", "f:2:5", "a NUL character"),
        ("\u00e9: \x1b".encode(), "f:1:4", "U+001B"),
        (b"a: *x", "f:1:4", "'*x' has no anchor"),
        (b"a: &x [*x]", "f:1:8", "inside of what it stands for"),
        (b"[" * 100_000, "f:1:1001", "nesting depth"),
        (b"- " * 100_000, "f:1:201", "nested more than 100 levels"),
        (b"[" * 101 + b"]" * 101, "f:1:101", "nested more than 100 levels"),
        (b"{a: " * 100_000, "f:1:401", "nested more than 100 levels"),
        (BOMB.encode(), "f:5:", "aliases expand to more than 1,000"),
        (b"a: &x [" + b"1," * 10_000 + b"]\nb: [" + b"*x," * 101 + b"]", "f:2:", "1,000,000 aliased nodes"),
        (DEEP_ALIASES.encode(), "f:6:", "nested more than 100 levels"),
        (b"#" * 10_000_001, "f:1:1", "more than 10,000,000 bytes"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_cannot_be_read_is_answered_with_place_and_reason(data, place, part):
    with pytest.raises(reader.DocumentError) as caught:
        reader.read(data, "f")

    assert str(caught.value).startswith(place)
    assert part in str(caught.value)


def test_levels_up_to_the_limit_are_read():
    assert one("[" * reader.MAX_DEPTH + "]" * reader.MAX_DEPTH)


def attempt(data: bytes) -> list[Node] | reader.DocumentError:
    try:
        return reader.read(data, "f")
    except reader.DocumentError as error:
        return error


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused_with_a_message(data):
    answer = attempt(data)

    assert isinstance(answer, list) or str(answer).startswith("f:")


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@# \n\t~<.\\x0", max_size=60))
def test_any_yaml_like_text_is_read_or_refused_inside_the_file(text):
    answer = attempt(text.encode())

    spans = [node.span for node in answer] if isinstance(answer, list) else [answer.span]
    assert all(0 <= span.start.index <= span.end.index <= len(text) for span in spans)
