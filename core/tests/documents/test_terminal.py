from falco.documents.terminal import visible, visible_lines


def test_visible_text_spells_what_a_terminal_obeys():
    assert visible("a\x1b[2J\x9b\n\x7f\u202eb") == "a\\u001b[2J\\u009b\\u000a\\u007f\\u202eb"
    assert visible("Zürich €  x\ty") == "Zürich €  x\ty"


def test_lines_stay_lines():
    assert visible_lines("a\x1bc\nb\r\n") == "a\\u001bc\nb\\u000d\n"
