import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.config import paths
from falco.config.paths import APPEND
from falco.documents import reader
from falco.documents.nodes import Mark, ScalarNode, ScalarStyle, Span
from falco.errors import ConfigError

SPAN = Span("-o", Mark(0, 0, 0), Mark(0, 0, 0))


def tree(text):
    return reader.read(text.encode(), "f.yaml")[0]


def scalar(text):
    return ScalarNode(text, ScalarStyle.DOUBLE, SPAN)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[0].b", ("a", 0, "b")),
        ("a[0][12]", ("a", 0, 12)),
        ("a[]", ("a", APPEND)),
        ("a[].b.c", ("a", APPEND, "b", "c")),
        (r"a\.b.c\[0\]", ("a.b", "c[0]")),
        (r"a\\", ("a\\",)),
        ("a.", ("a",)),
    ],
)
def test_a_path_is_names_and_indices(path, steps):
    assert paths.parse(path) == steps


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("a..b", "unexpected character at pos 2"),
        (".a", "unexpected character at pos 0"),
        ("[0]", "unexpected character at pos 0"),
        ("a[0", "no ']' for the '[' at pos 1"),
        ("a[x]", "'x' at pos 2 is not an index"),
        ("a[-1]", "'-1' at pos 2 is not an index"),
        ("a[0]b", "expected '.' character at pos 4"),
        ("a\\", r"'\' at pos 1 must be followed by"),
        (r"a\x", r"'\' at pos 1 must be followed by"),
    ],
)
def test_what_is_no_path_says_which_character(path, sentence):
    with pytest.raises(ConfigError) as raised:
        paths.parse(path)

    assert str(raised.value).startswith(f'Config error at key "{path}": Parsing error: ')
    assert sentence in str(raised.value)


def test_a_path_is_not_deeper_than_a_document():
    assert len(paths.parse(".".join("a" * 100))) == 100
    with pytest.raises(ConfigError, match="more than 100 keys inside one another"):
        paths.parse(".".join("a" * 101))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_name_can_be_written_with_backslashes(names):
    def escaped(name):
        return "".join("\\" + char if char in ".[]\\" else char for char in name)

    assert paths.parse(".".join(map(escaped, names))) == tuple(names)


@given(st.text())
def test_any_text_is_a_path_or_an_error(text):
    try:
        steps = paths.parse(text)
    except ConfigError:
        return

    assert all(isinstance(step, int) or step for step in steps)


def test_values_are_put_where_mappings_and_sequences_have_to_be_made():
    root = paths.put(tree("{}"), "rules[].disable.rule", scalar("*"))

    assert paths.get(root, "rules[0].disable.rule") == scalar("*")


def test_an_index_replaces_and_the_next_one_appends():
    root = paths.put(paths.put(tree("a: [x, y]"), "a[1]", scalar("Y")), "a[2]", scalar("z"))

    assert [item.text for item in root.get("a").items] == ["x", "Y", "z"]


def test_an_index_beyond_the_end_is_an_error():
    with pytest.raises(ConfigError, match=r"index 9 is beyond the end of 2 entries; write \[\] to append"):
        paths.put(tree("a: [x, y]"), "a[9].b", scalar("z"))


def test_a_scalar_in_the_way_is_an_error_that_names_its_place():
    with pytest.raises(
        ConfigError, match=r'key "a\.b": f\.yaml:1:4: expected a mapping with the key \'b\', found the text \'x\''
    ):
        paths.put(tree("a: x"), "a.b", scalar("z"))


def test_a_name_asked_of_a_sequence_makes_it_a_mapping():
    root = paths.put(tree("a: [x]"), "a.b", scalar("z"))

    assert [(key.text, value.text) for key, value in root.get("a").pairs] == [("0", "x"), ("b", "z")]


def test_putting_leaves_the_old_tree_alone():
    old = tree("a: {b: x}")

    paths.put(old, "a.b", scalar("z"))

    assert paths.get(old, "a.b").text == "x"
