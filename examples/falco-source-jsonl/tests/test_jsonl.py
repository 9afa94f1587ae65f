"""The contract tests of falco.testing, for this plugin."""

import pytest

from falco.testing import FieldContract, SourceContract
from falco_source_jsonl import JsonLines, Line, falco_register_fields


class TestSource(SourceContract):
    def items(self, batch):
        return [line.values for line in batch]  # their time is that of reading

    @pytest.fixture
    def make_source(self, tmp_path):
        path = tmp_path / "app.jsonl"
        path.write_text('{"action": "login", "ok": false}\n{"action": "logout"}\n')
        return lambda: JsonLines({}, str(path))

    @pytest.fixture
    def make_damaged_source(self, tmp_path):
        path = tmp_path / "damaged.jsonl"
        path.write_text('{"action": "login"}\n{"action": \n[1]\n')
        return lambda: JsonLines({}, str(path))


class TestFields(FieldContract):
    fields = falco_register_fields("jsonl")

    @pytest.fixture
    def events(self):
        return [Line(values={"a": "x"}, time_ns=1), Line(values={"a": {"b": [1]}, "": None}, time_ns=2)]


def test_values_of_other_types_are_json_text():
    (field,) = falco_register_fields("jsonl")
    event = Line(values={"ok": False, "n": 3, "none": None}, time_ns=1)

    assert [field.bind(key)(event) for key in ("ok", "n", "none", "absent")] == ["false", "3", "null", None]
