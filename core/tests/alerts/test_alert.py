import pickle

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter, values

NS = 1540563994242498000


def alert(rule, event, **kw):
    return Alert(AlertTemplate.of(rule), kw.get("num", 1), kw.get("time_ns", NS), values(rule)(event))


def test_every_field_is_read_once_however_often_it_is_shown(rule):
    class Counting(dict):
        reads = 0

        def get(self, key):
            self.reads += 1
            return super().get(key)

    event = Counting({"x.name": "a", "x.groups": ["g"]})

    assert values(rule("%name", " ", "%name", " ", "%groups"))(event) == ("a", ["g"])
    assert event.reads == 2


def test_times_and_filter_only_fields_are_not_read(rule):
    assert values(rule("%time", "%datetime.s", "%filter"))({}) == ()


def test_what_a_field_shows_is_read_in_its_own_way(rule):
    assert values(rule("%shown"))({}) == ("s",)


def test_an_alert_can_be_sent_to_another_process(rule, extra):
    sent = alert(rule("a ", "%name", "%groups", extra_fields=(extra("k", "v=", "%arg"),)), {"x.name": "n"})
    received = pickle.loads(pickle.dumps(sent))
    formatter = JsonFormatter(FormatOptions())

    assert received == sent
    assert hash(received.template) == hash(sent.template)
    assert formatter.render(received) == formatter.render(sent)


def test_a_part_of_the_input_is_renumbered_wherever_the_number_stands(rule):
    seen = alert(rule("n=", "%num", " again ", "%num", " ", "%name"), {"evt.num": 2, "x.name": "n"}, num=2)

    whole = seen.renumbered(100)

    assert (whole.num, whole.values) == (102, (102, "n"))
    assert seen.values == (2, "n")


def test_times_since_the_first_event_are_those_of_the_whole_input(rule):
    seen = alert(rule("%rel", "%rel.s"), {"evt.reltime": 5, "evt.reltime.s": 0})

    assert seen.renumbered(0).values == (5, 0)
    assert seen.renumbered(0, NS - 2_000_000_005).values == (2_000_000_005, 2)
    assert seen.renumbered(0, NS + 1).values == (2**64 - 1, (2**64 - 1) // 10**9)


def test_templates_of_different_rules_differ(rule):
    assert AlertTemplate.of(rule("a")) == AlertTemplate.of(rule("a"))
    assert AlertTemplate.of(rule("a")) != AlertTemplate.of(rule("b"))
