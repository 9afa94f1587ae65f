import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.alerts import Alert, AlertTemplate, FormatOptions, Formatter, JsonFormatter, TextFormatter, internal, values
from falco.clock import Clock
from falco.conditions.checked import Constant
from falco.fields import FieldType
from falco.rules.model import Priority
from falco.templates.model import Token
from falco.testing import strategies

NS = 1540563994242498000


def text(rule, event=None, **options):
    return TextFormatter(FormatOptions(hostname="h", **options)).render(alert(rule, event))


def as_json(rule, event=None, **options):
    line = JsonFormatter(FormatOptions(hostname="h", **options)).render(alert(rule, event))
    assert line == json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return json.loads(line)


def alert(rule, event=None):
    return Alert(AlertTemplate.of(rule), 1, NS, values(rule)(event or {}))


def test_a_text_alert_is_time_priority_message(rule):
    assert text(rule("a ", "%name", "."), {"x.name": "n"}) == "14:26:34.242498000: Warning a n."


def test_absent_values_are_na_in_text_and_null_in_json(rule):
    assert text(rule("%name|", "%name", "|", "%groups")) == "14:26:34.242498000: Warning %name|<NA>|<NA>"
    assert as_json(rule("%name"))["output_fields"] == {"evt.time": NS, "x.name": None}


def test_a_json_alert_has_the_keys_of_falco(rule):
    output = rule("v=", "%name", " g=", "%groups", tags=("a", "b"))

    assert as_json(output, {"x.name": 'q"', "x.groups": ["a", "b"]}) == {
        "hostname": "h",
        "output": '14:26:34.242498000: Warning v=q" g=(a,b)',
        "output_fields": {"evt.time": NS, "x.groups": ["a", "b"], "x.name": 'q"'},
        "priority": "Warning",
        "rule": "Some rule",
        "source": "src",
        "tags": ["a", "b"],
        "time": "2018-10-26T14:26:34.242498000Z",
    }


@pytest.mark.parametrize("key", ["output", "output_fields", "tags", "message"])
@pytest.mark.parametrize("is_included", [True, False])
def test_each_switch_adds_or_removes_its_key(rule, key, is_included):
    assert (key in as_json(rule("x"), **{f"include_{key}": is_included})) is is_included


def test_the_message_is_the_output_without_time_and_priority(rule):
    assert as_json(rule("m ", "%name"), include_message=True)["message"] == "m <NA>"


def test_iso_8601_replaces_the_time_in_front_and_its_key(rule):
    line = as_json(rule("x"), is_iso8601=True)

    assert line["output"] == "2018-10-26T14:26:34.242498000+0000: Warning x"
    assert line["output_fields"] == {"evt.time.iso8601": NS}


def test_local_times_are_of_the_zone_and_json_has_nanoseconds(rule):
    clock = Clock(timezone(timedelta(hours=5, minutes=30)))

    assert text(rule("%datetime.s"), clock=clock) == "19:56:34.242498000: Warning 2018-10-26 19:56:34"
    assert as_json(rule("%datetime.s"), clock=clock)["output_fields"] == {"evt.datetime.s": NS, "evt.time": NS}
    assert as_json(rule("x"), clock=clock)["time"] == "2018-10-26T14:26:34.242498000Z"


def test_times_before_the_epoch_are_negative_in_output_fields(rule):
    template = AlertTemplate.of(rule("x"))
    line = json.loads(JsonFormatter(FormatOptions()).render(Alert(template, 1, -2208988800000000000, ())))

    assert line["output_fields"] == {"evt.time": -2208988800000000000}
    assert line["time"] == "2484-07-20T23:34:33.709551616Z"


def test_text_alerts_are_escaped_as_json_strings(rule):
    line = text(rule("%name"), {"x.name": 'a"b\\c\nd\te\x1b\x7fü😀\u2028'})

    assert line == "14:26:34.242498000: Warning " + 'a\\"b\\\\c\\nd\\te\\u001b\x7fü😀\u2028'


def test_bytes_that_are_not_utf8_are_replacement_characters(rule):
    assert text(rule("%name", "%arg"), {"x.name": "\udce2", "x.arg[k]": "\udc82\udcac\udcff"}).endswith("€\ufffd")
    line = as_json(rule("%name", "%groups"), {"x.name": "a\udcff", "x.groups": ["\udce2\udc82", "b"]})
    assert line["output_fields"]["x.name"] == "a\ufffd"
    assert line["output_fields"]["x.groups"] == ["\ufffd", "b"]


def test_widths_count_bytes_and_apply_to_every_text(rule, uses):
    wide = rule(Token(uses["%name"], "x.name", 6), "|", Token(uses["%time"], "evt.time", 8), "|")

    assert text(wide, {"x.name": "äbc"}).endswith("Warning äbc  |14:26:34|")
    assert text(wide, {"x.name": "äbcdefghi"}).endswith("Warning äbcde|14:26:34|")
    assert text(wide).endswith("Warning <NA>  |14:26:34|")
    assert as_json(wide, {"x.name": "äbcdefghi"})["output_fields"]["x.name"] == "äbcdefghi"


def test_percent_signs_and_braces_of_the_text_stay(rule):
    assert text(rule("100% %s {x} ", "%name"), {"x.name": "%d"}).endswith("Warning 100% %s {x} %d")
    assert text(rule("100% %s")).endswith("Warning 100% %s")


def test_buffers_follow_the_option(rule):
    assert text(rule("%data"), {"x.data": b"\0a"}).endswith(" .a")
    assert as_json(rule("%data"), {"x.data": b"\0a"}, is_base64=True)["output_fields"]["x.data"] == "AGE="


def test_extra_fields_are_values_or_texts_and_replace_equal_keys(rule, extra):
    output = rule(
        "%name",
        extra_fields=(
            extra("x.groups", "%groups", is_raw=True),
            extra("t", "<", "%arg", ">"),
            extra("x.name", "mine"),
            extra("evt.time", "noon"),
        ),
    )

    assert as_json(output, {"x.name": "n", "x.groups": ["g"], "x.arg[k]": "v"})["output_fields"] == {
        "evt.time": "noon",
        "t": "<v>",
        "x.groups": ["g"],
        "x.name": "mine",
    }


def test_an_extra_field_that_is_a_transformer_is_null(rule, extra, uses):
    lower = Token(uses["%arg"], None, parts=(("x.arg[k]", uses["%arg"]), ("tolower(x.arg[k])", uses["%arg"])))

    line = as_json(rule("m", extra_fields=(extra("tolower(x.arg[k])", lower, is_raw=True),)), {"x.arg[k]": "V"})

    assert line["output_fields"] == {"evt.time": NS, "tolower(x.arg[k])": None}


def test_a_transformer_adds_the_fields_inside_it(rule, uses):
    upper = Token(
        uses["%arg"], None, parts=(("x.name", uses["%name"]), ("toupper(x.name)", Constant("N", FieldType.STRING)))
    )

    line = as_json(rule(upper), {"x.name": "n", "x.arg[k]": "N"})

    assert line["output"].endswith("Warning N")
    assert line["output_fields"] == {"evt.time": NS, "x.name": "n"}


def test_filter_only_fields_show_nothing(rule):
    assert text(rule("%filter"), {"x.filter": "v"}).endswith("<NA>")
    assert as_json(rule("%filter"), {"x.filter": "v"})["output_fields"]["x.filter"] is None


def test_internal_alerts_ignore_switches_and_show_their_fields_in_text():
    drop = internal.alert(
        internal.EVENT_DROP, Priority.DEBUG, "100% dropped", {"n_evts": "7", "b": 1e-07, "a": 'q"'}, NS
    )
    options = FormatOptions(hostname="h", include_output=False, include_output_fields=False, include_message=True)

    assert TextFormatter(options).render(drop) == (
        '14:26:34.242498000: Debug 100% dropped (a=\\"q\\\\\\"\\" b=1e-07 n_evts=\\"7\\")'
    )
    assert json.loads(JsonFormatter(options).render(drop)) == {
        "hostname": "h",
        "output": "100% dropped",
        "output_fields": {"a": 'q"', "b": 1e-07, "n_evts": "7"},
        "priority": "Debug",
        "rule": "Falco internal: syscall event drop",
        "source": "internal",
        "time": "2018-10-26T14:26:34.242498000Z",
    }


def test_a_formatter_prepares_each_template_once_and_forgets_when_full(rule):
    prepared = []

    class Counting(Formatter):
        name = "counting"
        _CAPACITY = 2

        def prepare(self, template):
            prepared.append(template.rule)
            return lambda alert: alert.template.rule

    formatter = Counting(FormatOptions())
    alerts = [alert(rule("x", name=f"r{i}", index=i)) for i in (0, 0, 1, 2, 2, 0)]

    assert [formatter.render(a) for a in alerts] == ["r0", "r0", "r1", "r2", "r2", "r0"]
    assert prepared == ["r0", "r1", "r2", "r0"]


@given(strategies.alerts(), st.booleans())
def test_any_alert_is_one_line_of_text(sent, is_base64):
    line = TextFormatter(FormatOptions(is_base64=is_base64)).render(sent)

    assert all(character >= " " for character in line)
    line.encode("utf-8")


def has_float(value):
    return isinstance(value, float) or (isinstance(value, list | tuple) and any(map(has_float, value)))


# A double in a field that says it is text is shown all the same, but not as the standard library spells it.
@given(strategies.alerts().filter(lambda sent: not has_float(sent.values)), st.booleans())
def test_any_alert_is_one_json_object_equal_to_what_the_standard_library_writes(sent, is_base64):
    line = JsonFormatter(FormatOptions(is_base64=is_base64, include_message=True)).render(sent)

    document = json.loads(line)
    assert "\n" not in line
    assert list(document) == sorted(document)
    assert line == json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
