import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from falco.documents import reader, scalars
from falco.documents.nodes import MappingNode, ScalarNode
from falco.documents.source import SourceFile
from falco.documents.text import Written


def scalar(text: str) -> tuple[ScalarNode, SourceFile]:
    source = reader.decode(text.encode(), "f.yaml")
    (node,) = reader.parse(source)
    assert isinstance(node, MappingNode)
    value = node.pairs[0][1]
    assert isinstance(value, ScalarNode)
    return value, source


def places(text: str) -> list[tuple[str, int]]:
    node, source = scalar(text)
    (segment,) = scalars.to_text(node, source).segments
    assert isinstance(segment.origin, Written)
    offsets = segment.origin.offsets
    if offsets is None:
        start = segment.origin.span.start.index
        offsets = tuple(range(start, start + len(segment.text) + 1))
    assert len(offsets) == len(segment.text) + 1
    return list(zip(segment.text, offsets, strict=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k: ab c", [("a", 3), ("b", 4), (" ", 5), ("c", 6)]),
        ("k: &x !t  ab", [("a", 10), ("b", 11)]),
        ("k: 'a''b'", [("a", 4), ("'", 5), ("b", 7)]),
        (r'k: "a\n\x41\\b"', [("a", 4), ("\n", 5), ("A", 7), ("\\", 11), ("b", 13)]),
        (r'k: "\U0001F600!"', [("\U0001f600", 4), ("!", 14)]),
        ("k: a  \n  b\n\n  c", [("a", 3), (" ", 6), ("b", 9), ("\n", 11), ("c", 14)]),
        ('k: "a \\\n   b"', [("a", 4), (" ", 5), ("b", 11)]),
        ("k: |\n  a\n\n   b\n", [("a", 7), ("\n", 8), ("\n", 9), (" ", 12), ("b", 13), ("\n", 14)]),
        ("k: >-\n  a\n  b\n\n  c\n\n", [("a", 8), (" ", 9), ("b", 12), ("\n", 14), ("c", 17)]),
        ("k: >\n  a\n   b\n  c\n", [("a", 7), ("\n", 8), (" ", 11), ("b", 12), ("\n", 13), ("c", 16), ("\n", 17)]),
        ("k: |+ # kept\n  a\n\n", [("a", 15), ("\n", 16), ("\n", 17)]),
        ("k: |2\n    a\n", [(" ", 8), (" ", 9), ("a", 10), ("\n", 11)]),
        ("k: |\r\n  a\r\n  b\r\n", [("a", 8), ("\n", 9), ("b", 13), ("\n", 14)]),
        ("k: ''", []),
    ],
)
def test_each_character_knows_its_place(text, expected):
    assert places(text) == expected


def test_a_letter_for_letter_scalar_needs_no_offsets():
    node, source = scalar("k: 'a b'")
    (segment,) = scalars.to_text(node, source, "appended").segments

    assert segment.origin == Written(source.span(4, 7), None, "appended")


def test_the_content_of_a_scalar_is_without_anchor_and_quotes():
    node, source = scalar("k: &x 'a b'")
    (segment,) = scalars.to_text(node, source).segments

    assert segment.origin == Written(source.span(7, 10), None, "")


ALPHABET = st.sampled_from(list("aab'\"\\nx4 \t\n\n:-#>|+2é\x85\u2028"))
HEADS = st.sampled_from(["", "'", '"', "|\n", ">\n", "|-\n", ">+\n", "|1\n", ">2-\n", "&a ", "!t '"])


@given(HEADS, st.text(ALPHABET, max_size=40))
@example("|\n", " a\n  \n b")
@example(">\n", " a\n \tb\n\n c\n")
def test_the_place_of_a_character_explains_it(head, body):
    body = body.replace("\n", "\n ")
    closed = body + (head[-1] if head and head[-1] in "'\"" else "")
    text = f"k: {head}{' ' if head.endswith(chr(10)) else ''}{closed}"
    assume(is_pair_of_scalars(text))
    placed = places(text)

    offsets = [offset for _, offset in placed]
    assert offsets == sorted(offsets)
    if len(set(offsets)) > 1:
        assert all(explains(text, offset, char) for char, offset in placed)


def explains(text: str, offset: int, char: str) -> bool:
    written = text[offset]
    return written == char or (written in "\n\x85\u2028" and char in " \n") or written == "\\"


def is_pair_of_scalars(text: str) -> bool:
    try:
        nodes = reader.read(text.encode(), "f.yaml")
    except reader.DocumentError:
        return False
    return len(nodes) == 1 and isinstance(nodes[0], MappingNode) and isinstance(nodes[0].pairs[0][1], ScalarNode)
