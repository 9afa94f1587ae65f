from falco.documents.diagnostics import Diagnostic, Location, Note, Severity, point, render, render_all
from falco.documents.source import SourceFile
from falco.documents.text import Extent, Generated, Segment, Text, Written

SOURCE = SourceFile("f.yaml", "one two\r\n\tthree four\nfive")
FILES = {"f.yaml": SOURCE}


def fault(place, **more):
    return Diagnostic(Severity.ERROR, "CODE", "Something is wrong.", place, **more)


def test_lines_are_counted_whatever_ends_them():
    assert [SOURCE.line(number) for number in range(3)] == ["one two", "\tthree four", "five"]
    assert SOURCE.mark(9).line == 1
    assert SOURCE.mark(len(SOURCE.text)).column == 4


def test_a_fault_is_shown_with_its_line_a_caret_and_the_way_there():
    context = (Location("rule", "r", SOURCE.span(0, 3)), Location("output", "", SOURCE.span(4, 7)))
    chain = (Note("expanded from macro `m`", SOURCE.span(21, 25)), Note("by hand", Extent(Text.of("x"), 0, 1)))

    assert render(fault(SOURCE.span(10, 15), context=context, chain=chain, hint="mend it"), FILES) == (
        "f.yaml:2:2: error[CODE]: Something is wrong.\n"
        "    2 | \tthree four\n"
        "      | \t^^^^^\n"
        '  in output of rule "r"\n'
        "  expanded from macro `m`, f.yaml:3:1\n"
        "  by hand\n"
        "  hint: mend it"
    )


def test_a_place_in_a_text_leads_to_the_file_and_the_note():
    written = Segment("two", Written(SOURCE.span(4, 7), None, "from list `l`"))
    text = Text((Segment("(", Generated("x")), written, Segment(")", Generated("x"))))
    at = point(Extent(text, 2, 4), FILES)

    assert (str(at), at.width, at.note) == ("f.yaml:1:6", 2, "from list `l`")


def test_a_place_in_no_file_is_shown_without_one():
    assert point(Extent(Text.of("x"), 0, 1), FILES) is None
    assert render(fault(Extent(Text.of("x"), 0, 1)), FILES) == "error[CODE]: Something is wrong."


def test_a_place_in_a_file_that_is_not_at_hand_is_named():
    assert render(fault(SOURCE.span(4, 7)), {}) == "f.yaml:1:5: error[CODE]: Something is wrong."


def test_a_warning_without_a_sentence_is_shown():
    warning = Diagnostic(Severity.WARNING, "CODE", "", SOURCE.span(0, 0))

    assert render(warning, {}) == "f.yaml:1:1: warning[CODE]: (no message)"


def test_the_same_fault_on_several_ways_is_shown_once():
    ways = [fault(SOURCE.span(0, 3), context=(Location("rule", name, SOURCE.span(0, 3)),)) for name in "abcdef"]
    printed = render_all([*ways, fault(SOURCE.span(4, 7))], FILES)

    assert printed.count("error[CODE]") == 2
    assert [line for line in printed.split("\n") if "rule" in line or "more" in line] == [
        '  in rule "a"',
        '  also in rule "b"',
        '  also in rule "c"',
        '  also in rule "d"',
        "  and on 2 more ways",
    ]


def test_long_lines_are_cut_around_the_caret():
    source = SourceFile("f", "a" * 300 + "HERE" + "b" * 300)
    _, excerpt, caret = render(fault(source.span(300, 304)), {"f": source}).split("\n")

    assert excerpt.startswith("    1 | ...a")
    assert excerpt.endswith("b...")
    assert excerpt[caret.index("^") : caret.rindex("^") + 1] == "HERE"
