"""Falco's JSON of load results: its positions, names and excerpts, as its recorded answers have them."""

from falco.documents.diagnostics import point

RULE = "- rule: r\n  desc: d\n  condition: {}\n  output: o\n  priority: INFO\n"


def context(result):
    return result.to_json()["errors"][0]["context"]


def positions(result):
    return [
        (step["item_type"], step["item_name"], *(step["position"][key] for key in ("name", "line", "column", "offset")))
        for step in context(result)["locations"]
    ]


def test_the_parsers_position_is_added_to_that_of_the_condition_in_bytes(load):
    _, result = load(RULE.format('proc.name = "café" and'))

    assert positions(result) == [
        ("rules content", "", "rules.yaml", 0, 0, 0),
        ("rule", "r", "rules.yaml", 0, 2, 2),
        ("rule condition", "", "rules.yaml", 2, 13, 33),
        ("condition expression", "", '"proc.name = "caf�..."', 3, 37, 56),
    ]
    assert context(result)["snippet"] == 'proc.name = "café" and\n                      ^\n'


def test_a_parse_error_shows_the_condition_with_lists_put_in(load):
    _, result = load("- list: l\n  items: ['(', b]\n" + RULE.format("proc.name in (l)"))

    assert positions(result)[-1][2] == '"proc.name in ( (,..."'
    assert context(result)["snippet"].startswith("proc.name in ( (, b )\n")


def test_an_error_of_the_type_check_shows_the_condition_as_it_was_written(load):
    _, result = load("- list: l\n  items: [a, b]\n" + RULE.format("proc.name in (l) and no.such = 1"))

    assert positions(result)[-1] == ("condition expression", "", '"proc.name in (l) ..."', 5, 40, 85)
    assert context(result)["snippet"].startswith("proc.name in (l) and no.such = 1\n")


def test_lines_of_a_condition_are_counted(load):
    _, result = load(RULE.format("|\n    proc.name = a\n    block text"))

    assert positions(result)[-1] == ("condition expression", "", '"proc.name = a blo..."', 4, 14, 47)


def test_a_fault_in_a_macro_is_placed_where_the_rule_uses_it(load):
    _, result = load("- macro: m\n  condition: proc.pid = 1 and no.such = 2\n" + RULE.format("proc.pid = 3 or m"))

    assert positions(result)[-1] == ("condition expression", "", '"proc.pid = 3 or m"', 5, 30, 102)
    assert result.to_json()["errors"][0]["x-falco-py"] == {
        "file": "rules.yaml",
        "line": 2,
        "column": 31,
        "chain": [{"text": "expanded from macro `m`", "place": "rules.yaml:5:30"}],
        "hint": "'falco --list=syscall' shows the fields",
    }


def test_nothing_stands_where_the_next_token_does(load):
    _, result = load("- list: l\n  items:   # none\n\n- list: m\n  items: []\n")

    assert positions(result)[-1] == ("value for", "items", "rules.yaml", 3, 0, 29)


def test_long_lines_are_cut_around_the_position(load):
    _, result = load("- rule: " + "r" * 200 + "\n  enabled: [" + "x" * 200 + "]\n")

    line, caret, end = context(result)["snippet"].split("\n")
    assert (line[:13], line[-4:], len(line)) == ("  enabled: [x", "x...", 92)
    assert (caret, end) == (" " * 11 + "^", "")


def test_the_start_of_a_long_line_is_cut_too(load):
    _, result = load("- {rule: " + "r" * 100 + ", enabled: []}\n")

    line, caret, _ = context(result)["snippet"].split("\n")
    assert (line[:4], line[-3:], caret) == ("...r", "[]}", " " * 80 + "^")


def test_of_a_file_that_begins_with_a_line_break_everything_is_shown(load):
    _, result = load("\nfile:\n  of: mappings\n")

    assert context(result)["snippet"] == "...e:\n  of: mappin...\n"


def test_an_empty_file_has_no_excerpt_and_no_schema(load):
    _, result = load("")

    assert result.to_json() == {"name": "rules.yaml", "successful": True, "errors": [], "warnings": []}


def test_errors_are_described_by_title_and_warnings_by_description(load):
    _, result = load("- what: is\n- list: l\n")
    document = result.to_json()

    assert document["errors"][0]["codedesc"] == "Error validating internal structure of YAML file"
    assert document["warnings"][0]["codedesc"].startswith("An unknown top-level object is in the rules content.")


def test_a_deprecated_field_has_its_name_beside_the_warning(load):
    _, result = load(RULE.format("evt.dir = <"))
    (warning,) = result.to_json()["warnings"]

    assert warning["deprecated_field"] == "evt.dir"
    assert warning["context"]["locations"][-1] == {
        "item_type": "condition expression",
        "item_name": "",
        "position": {"name": '"evt.dir = <"', "line": 2, "column": 13, "offset": 33},
    }


def test_faults_of_the_schema_have_their_places_and_do_not_matter(load):
    _, result = load(RULE.format("proc.pid = 1") + "  capture: yes\n  desc: again\n")
    document = result.to_json()

    assert result.summary == "rules.yaml: Ok"
    assert document["schema_valid"] is False
    assert [fault.split(": ")[0] for fault in document["schema_warnings"]] == [
        "failed for <root>[0][capture]",
        "failed for <root>[0]",
    ]
    assert "schema: <root>[0]: the key 'desc' stands here more than once" in result.text()


def test_faults_are_printed_in_the_order_of_their_places(load):
    _, result = load(RULE.format("no.such = 1") + "- what: is\n- macro: m\n  condition: proc.pid = = 1\n")
    printed = result.text()
    places = [str(point(fault.place, result.files)) for fault in (*result.errors, *result.warnings)]

    assert places == ["rules.yaml:8:25", "rules.yaml:3:14", "rules.yaml:6:3"]
    assert printed.index("rules.yaml:3:14: error") < printed.index("rules.yaml:6:3: warning")
    assert printed.index("rules.yaml:6:3: warning") < printed.index("rules.yaml:8:25: error")
