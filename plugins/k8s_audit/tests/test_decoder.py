"""The fast path and the general path of the decoder give the same events, and nothing is lost on either."""

import json
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions.checked import Check, Modifier, Operator
from falco.fields import FieldUse
from falco.ruleset import Ruleset
from falco.ruleset.interpreter import matches
from falco.testing.decoders import DecoderContract
from falco.testing.records import conditions, rule
from falco_k8s_audit import view as view_module
from falco_k8s_audit.decoder import AuditDecoder, _read_event
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.fields import FIELDS
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.view import View

_FIELDS = {field.name: field for field in FIELDS}
_DISPATCH = [_FIELDS[spellings[0]].bind(None) for spellings in AuditDecoder.dispatch]
_WATCHED = [
    field.bind(None) for field in FIELDS if not field.argument.is_required and not field.name.startswith("jevt.time")
] + [_FIELDS["jevt.value"].bind(pointer) for pointer in ("/user", "/objectRef", "/stage", "/user/username", "")]

_BASE = {
    "kind": '"Event"',
    "apiVersion": '"audit.k8s.io/v1"',
    "auditID": '"a-1"',
    "stage": '"ResponseComplete"',
    "requestURI": '"/api/v1/namespaces/default/pods?dryRun=All"',
    "verb": '"create"',
    "user": '{"username":"alice","groups":["system:masters"]}',
    "sourceIPs": '["10.0.0.1"]',
    "objectRef": '{"resource":"pods","namespace":"default","subresource":"exec"}',
    "responseStatus": '{"code":201}',
    "requestObject": '{"spec":{"containers":[{"name":"c","image":"r:5000/i:1"}]}}',
    "requestReceivedTimestamp": '"2024-03-01T10:00:00.000001Z"',
    "stageTimestamp": '"2024-03-01T10:00:00.123456Z"',
    "annotations": '{"authorization.k8s.io/decision":"allow"}',
}
_KEYS = sorted(_BASE)
_SCALARS = ['"x"', '""', "null", "true", "1.0", "1" + "0" * 30, "{}", "[]", '"a\\u0000b"', '"\\ud83d"', '"\\u00e9"']
_SCALARS += ['"\\u0041"', '"\udcff"', '"\x01"', "NaN", "01"]
_STAMPS = [
    "2024-03-01T10:00:00.123456Z",
    "2024-03-01T10:00:00Z",
    "2024-03-01T10:00:00.123456789Z",
    "2024-03-01T10:00:00,5Z",
    "2024-03-01T10:00:00.123456+02:00",
    "2024-03-01t10:00:00.123456z",
    "2024-03-01 10:00:00.123456Z",
    "2024-03-01T10:00:00.123456+0100",
    "2024-13-01T10:00:00.123456Z",
    "2024-03-01T10:00:60.123456Z",
    "2024-03-01T24:00:00.000000Z",
    "2024-03-01T10:00:07.1234Z\\u0000Z",
    "2024-W09-5T10:00:00.123456Z",
    "2024-03-01T10:00:00.Z",
    "2024-03-01T10:00:00.12\\u0000Z",
    "1969-03-01T10:00:00.123456Z",
    "1970-01-01T00:00:00.000000Z",
    "2300-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.000000Z",
    "0000-01-01T00:00:00.000000Z",
    "x",
    "",
]


_ODDITIES = st.sampled_from([0, 0, 0, 0, 0, 1, 1, 2])
_LIMITS = Limits()


@st.composite
def events(draw):
    """One event as text: clean mostly, with one or two oddities now and then."""
    pairs = [(json.dumps(key), value) for key, value in _BASE.items()]
    user = draw(st.sampled_from(["alice", "bob", "system:node:a"]))
    pairs[6] = ('"user"', f'{{"username":"{user}","groups":["system:masters"]}}')
    for _ in range(draw(_ODDITIES)):
        at = draw(st.integers(0, len(pairs) - 1))
        key, value = pairs[at]
        match draw(st.integers(0, 7)):
            case 0:
                del pairs[at]
            case 1:
                pairs[at] = key, draw(st.sampled_from(_SCALARS))
            case 2:
                pairs.insert(draw(st.integers(0, len(pairs))), (key, draw(st.sampled_from([*_SCALARS, value]))))
            case 3:
                pairs.insert(0, pairs.pop(at))
            case 4:
                pairs[at] = '"' + "".join(f"\\u{ord(c):04x}" for c in key[1:-1]) + '"', value
            case 5:
                inner = draw(st.sampled_from(["username", "resource", "subresource"]))
                pairs[at] = key, f'{{"{inner}":{draw(st.sampled_from(_SCALARS))}}}'
            case 6:
                pairs.append(('"stageTimestamp"', json.dumps(draw(st.sampled_from(_STAMPS))).replace("\\\\u", "\\u")))
            case 7:
                pairs = [(f" {k} ", f"\t{v} ") for k, v in pairs]
    return "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"


@st.composite
def records(draw):
    """One record: an event mostly, a list or garbage now and then."""
    match draw(st.integers(0, 11)):
        case 0:
            text = '{"kind":"EventList","items":[' + ",".join(draw(st.lists(events(), max_size=3))) + "]}"
        case 1:
            inner = ",".join(draw(st.lists(events(), max_size=2)))
            text = f"[{draw(events())},[{inner}]]"
        case 2:
            text = draw(st.sampled_from(["", " ", "x", "{", "5", '{"kind":"Pod"}', '{"kind":"EventList"}', "[1]"]))
        case _:
            text = draw(events())
    return text.encode("utf-8", "surrogateescape") + draw(st.sampled_from([b"\n", b"\r\n", b""]))


class Passing(Ruleset):
    """Every event passes; the residual of a key is the key."""

    def __init__(self):
        super().__init__((), first_only=False)

    def residual(self, key):
        return key


class General(AuditDecoder):
    """Takes the general path always: it never knows the time of the first event."""

    start_ns = property(lambda self: None, lambda self, value: None)


def decode(decoder, batch, rules=None):
    return list(decoder.select(batch, rules or Passing()))


def assert_paths_agree(batch):
    fast, general = AuditDecoder(), General()
    fast.report = general.report = lambda sentence: None
    quick, slow = decode(fast, batch), decode(general, batch)

    assert [(e.num, e.time_ns) for _, e in quick] == [(e.num, e.time_ns) for _, e in slow]
    for (_, a), (_, b) in zip(quick, slow, strict=True):
        assert [get(a) for get in _WATCHED] == [get(b) for get in _WATCHED]
    assert fast.counters() == general.counters()
    assert fast.count == general.count == len(slow)


@given(st.lists(records(), max_size=6))
def test_fast_and_general_path_agree_on_every_event(batch):
    assert_paths_agree(batch)


_POINTERS = ["", "/user", "user/username", "/requestObject/spec/containers/0/name", "/a~1b/c", "/sourceIPs/0", "/stage"]
_GETTERS = [*_WATCHED, *(_FIELDS["json.value"].bind(pointer) for pointer in _POINTERS)]
_ODD = [
    {"requestObject": value}
    for value in (
        *('{"data":{"a": "b"}}', '{"data":"x"}', "null", "7", '"spec"', "[]", '{"spec":[{"containers":1}]}'),
        *('{"spec":{"template":{"spec":{"hostPID":true,"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}}}',),
        *('{"roleRef":{"name":"r"},"subjects":[{"kind":"User","name":"u"}]}', '{"rules":[{"verbs":["*"]}]}'),
    )
]
_ODD += [{"annotations": "{}"}, {"responseStatus": '{"code":-0}'}, {"responseStatus": '{"code":"1e2","code":1e2}'}]
_ODD += [{"userAgent": '"a\\u0000b"'}]
_ODD += [{"objectRef": '{"resource":"cronjobs"}'}, {"a/b": '{"c":"d"}'}, {"responseObject": '{"metadata":{"name":7}}'}]


def plain_events():
    """Events that have the keys of the fast path, and oddities in what it does not read."""
    odd = st.sampled_from(_ODD).map(lambda changes: line(**changes))
    return st.one_of(odd, events().map(lambda text: text.encode("utf-8", "surrogateescape"))).filter(is_event)


def is_event(record):
    try:
        _read_event(record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def assert_view_agrees(asked):
    """Each of the records, with what is read of it: through one view, made anew whenever it can be, and without."""
    with mock.patch.multiple(view_module, _FIRST=1, _GROWTH=1):
        view = View()
        view._next = 1
        for record, getters in asked:
            seen, plain = (AuditEvent(record, 1, _STAMPS[0], 1, v) for v in (view, None))

            assert [get(seen) for get in getters] == [get(plain) for get in getters]


@given(st.lists(st.tuples(plain_events(), st.lists(st.sampled_from(_GETTERS), max_size=9)), min_size=2, max_size=9))
def test_a_view_reads_what_the_document_says(asked):
    assert_view_agrees(asked)


@pytest.mark.parametrize("changes", _ODD, ids=str)
def test_a_view_made_for_other_events_reads_an_odd_one_right(changes):
    full = line(responseObject='{"metadata":{"name":"n"}}', userAgent='"kubectl"')
    assert_view_agrees([(record, _GETTERS) for record in (full, full, line(**changes), line(**changes), full)])


@pytest.mark.parametrize(
    "pointers",
    [("/annotations/a", "/annotations/"), ("/user/extra/k/v", "/user/extra/0"), ("/x" * 40, "/x" * 33 + "/y")],
    ids=["empty", "index", "deep"],
)
def test_a_view_does_not_mind_keys_it_cannot_read_beside_keys_it_can(pointers):
    getters = [_FIELDS["json.value"].bind(pointer) for pointer in pointers]
    deep = '{"x":' * 39 + '{"y":"3"}' + "}" * 39
    full = line(annotations='{"a":"1","":"2"}', user='{"extra":{"k":{"v":"1"},"0":"2"}}', x=deep)
    assert_view_agrees([(record, getters) for record in (full, full, full, line())])


def test_a_pointer_of_any_length_can_be_asked_for():
    getters = [_FIELDS["json.value"].bind("/x" * 5000)]
    assert_view_agrees([(line(x='{"x":' * 200 + "1" + "}" * 200), getters)] * 3)


def test_a_view_spares_opening_the_document():
    view = View()
    for _ in range(8):
        found = [AuditEvent(line(), 1, _STAMPS[0], 1, view)]
        found += [
            get(found[0])
            for get in (_FIELDS["ka.user.name"].bind(None), _FIELDS["ka.req.pod.containers.image"].bind(None))
        ]
    event = AuditEvent(line(), 1, _STAMPS[0], 1, view)

    assert found[1:] == [_FIELDS[name].bind(None)(event) for name in ("ka.user.name", "ka.req.pod.containers.image")]
    assert event._document is None


_ASKED = ["ka.stage", "ka.verb", "ka.target.resource", "ka.target.subresource", "ka.user.name", "ka.response.code"]
_WORDS = ["x", "", "create", "pods", "exec", "alice", "bob", "system:node:a", "ResponseComplete", "201", "null", "true"]
_ASKED_POINTERS = ["/stage", "/user/username", "objectRef/resource", "/responseStatus/code"]


@st.composite
def checks(draw):
    """A check on a field that is dispatched on, under any of its names, or on another one."""
    name, argument = draw(
        st.one_of(
            st.sampled_from([(name, None) for name in _ASKED]),
            st.sampled_from([("jevt.value", pointer) for pointer in _ASKED_POINTERS]),
            st.just(("jevt.rawtime", None)),
        )
    )
    use = FieldUse(name, argument, _FIELDS[name])
    operator = draw(st.sampled_from([Operator.EXISTS, Operator.EQ, Operator.NE, Operator.IN, Operator.STARTSWITH]))
    if operator is Operator.EXISTS:
        return Check(use, operator)
    least, most = (0, 3) if operator is Operator.IN else (1, 1)
    word = st.sampled_from(["0"] if name == "jevt.rawtime" else _WORDS)
    return Check(use, operator, tuple(draw(st.lists(word, min_size=least, max_size=most))))


@given(st.lists(records(), max_size=5), st.lists(conditions(checks()), min_size=1, max_size=3), st.booleans())
def test_bytes_through_both_pipelines_give_the_same_matches(batch, asked, first_only):
    rules = [rule(index, condition) for index, condition in enumerate(asked)]
    ruleset = Ruleset(rules, dispatch=AuditDecoder.dispatch, assume=AuditDecoder.assume, first_only=first_only)
    fast, general = AuditDecoder(), General()
    fast.report = general.report = lambda sentence: None
    batch = [line(), *batch]  # the first event of a source takes the general path
    got = [(e.num, hit.rule.index) for residual, e in fast.select(batch, ruleset) for hit in residual(e)]
    slow = decode(general, batch)

    assert got == [(e.num, index) for _, e in slow for index in matches(asked, e, first_only=first_only)]


@pytest.mark.parametrize("stamp", _STAMPS)
def test_both_paths_take_the_same_for_a_time_stamp(stamp):
    assert_paths_agree([line(), line(stageTimestamp=f'"{stamp}"'), line()])


@pytest.mark.parametrize("key", ["stage", "verb", "objectRef", "user", "auditID", "stageTimestamp", "kind"])
@pytest.mark.parametrize("value", [*_SCALARS, None])
def test_both_paths_read_the_same_of_an_odd_value(key, value):
    assert_paths_agree([line(), line(**{key: value}), line()])
    if key in {"objectRef", "user"} and value is not None:
        inner = {"objectRef": "subresource", "user": "username"}[key]
        assert_paths_agree([line(), line(**{key: f'{{"{inner}":{value}}}'})])


@given(st.lists(records(), min_size=1, max_size=6))
def test_the_key_of_the_fast_path_is_what_the_fields_say(batch):
    decoder = AuditDecoder()
    decoder.report = lambda sentence: None
    for key, event in decode(decoder, [line(), *batch]):
        if isinstance(key, tuple):
            assert key == tuple(get(event) for get in _DISPATCH)
            assert event.time_ns > 0


def line(**changes):
    pairs = {**_BASE, **changes}
    return ("{" + ",".join(f'"{k}":{v}' for k, v in pairs.items() if v is not None) + "}\n").encode(
        "utf-8", "surrogateescape"
    )


def said(batch, limits=_LIMITS):
    decoder, sentences = AuditDecoder(), []
    decoder.report = sentences.append
    found = decode(decoder, Records(batch, "log:{}".format, limits))
    return [event for _, event in found], sentences, decoder


def test_clean_lines_take_the_fast_path_but_for_the_first():
    _, sentences, decoder = said([line()] * 100)

    assert decoder.count == 100
    assert decoder.general == 1
    assert sentences == []


def test_skipped_events_are_counted_and_not_built():
    class Nothing(Passing):
        def residual(self, key):
            return None

    decoder = AuditDecoder()
    found = decode(decoder, [line()] * 100, Nothing())

    assert [event.num for _, event in found] == [1]
    assert decoder.count == 100
    assert decoder.decoded_fully == 1


def test_where_a_record_is_is_asked_for_only_if_it_is_said():
    asked = []
    batch = Records([line(), line(), b"x", line()], lambda index: asked.append(index) or "place", _LIMITS)
    decoder = AuditDecoder()
    decoder.report = lambda sentence: None

    assert len(decode(decoder, batch)) == 3
    assert asked == [2]  # not for the first event, though it takes the general path


def test_numbers_go_on_from_batch_to_batch():
    decoder = AuditDecoder()
    found = [event.num for _ in range(3) for _, event in decode(decoder, [line(), b"\n", line()])]

    assert found == [1, 2, 3, 4, 5, 6]


def test_times_are_measured_from_the_first_event_even_if_it_was_skipped():
    decoder = AuditDecoder()
    batch = [line(stageTimestamp=f'"2024-03-01T10:00:0{i}.000000Z"') for i in (5, 1, 3)]
    found = [event for _, event in decode(decoder, batch)]

    assert [event.time_ns - event.start_ns for event in found] == [0, -4_000_000_000, -2_000_000_000]
    assert decoder.start_ns == found[0].time_ns


@pytest.mark.parametrize(
    ("bad", "reason", "message"),
    [
        (
            b"nonsense\n",
            "records that are not JSON",
            "log:1: cannot parse JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        (line()[:40], "records that are not JSON", "log:1: cannot parse JSON: "),
        (line(verb="NaN"), "records that are not JSON", "log:1: cannot parse JSON: NaN is not a JSON number"),
        (b"[" * 100_000, "records that are not JSON", "log:1: cannot parse JSON: nested too deeply"),
        (b'{"kind":"Pod"}', "records that are not audit events", "log:1: data not recognized as a k8s audit event"),
        (b"\x0b" + line(), "records that are not JSON", "log:1: cannot parse JSON: "),
        (line() + b"\x0c", "records that are not JSON", "log:1: cannot parse JSON: "),
        (b"5", "records that are not audit events", "log:1: data not recognized as a k8s audit event"),
        (line(kind="null"), "records that are not audit events", "log:1: data not recognized as a k8s audit event"),
        (
            b'{"kind":"EventList","items":{}}',
            "records that are not audit events",
            "log:1: data not recognized as a k8s audit event: an EventList without items",
        ),
        (
            line(stageTimestamp=None, requestReceivedTimestamp=None),
            "audit events without a time stamp",
            "log:1: can't read stageTimestamp",
        ),
        (
            line(stageTimestamp='"yesterday"'),
            "audit events with an unreadable time stamp",
            'log:1: parsing time "yesterday": not an RFC 3339 time stamp',
        ),
        (
            line(stageTimestamp="5"),
            "audit events with an unreadable time stamp",
            'log:1: parsing time "5": not an RFC 3339 time stamp',
        ),
    ],
)
def test_what_is_refused_is_counted_and_said_and_the_rest_comes_out(bad, reason, message):
    for batch in ([line(), bad, line()], [bad, line(), line()]):
        found, sentences, decoder = said(batch)
        place = message.replace("log:1", f"log:{batch.index(bad)}")

        assert len(found) == 2
        assert decoder.counters() == {reason: 1}
        assert len(sentences) == 1
        assert sentences[0].startswith(place)


def test_what_stands_around_events_is_taken_off_and_their_numbers_go_on():
    one = line().strip()
    wrapped = [b"\xef\xbb\xbf" + line(), one + b",\n", one + one, b"2026-03-09T09:00:01Z stdout F " + line(), line()]
    found, sentences, decoder = said(wrapped)

    assert [event.num for event in found] == [1, 2, 3, 4, 5, 6]
    assert sentences == []
    assert decoder.counters() == {}


def test_what_is_wrapped_and_broken_is_said_with_what_it_is():
    _, sentences, _ = said([b"2026-03-09T09:00:01Z stdout P " + line()[:20], line()])

    assert "the container runtime cut it into pieces" in sentences[0]


def test_a_flood_of_garbage_is_counted_exactly_and_said_a_few_times():
    _, sentences, decoder = said([b"x\n"] * 1000)

    assert decoder.counters() == {"records that are not JSON": 1000}
    assert len(sentences) == 12
    assert sentences[-1].endswith("(1000 records that are not JSON so far)")


@pytest.mark.parametrize("wrap", ["[{}]", '{{"kind":"EventList","items":[{}]}}'])
def test_bad_items_cost_no_other_item(wrap):
    good = line().decode().strip()
    items = [good, "5", "null", '"x"', "[]", "{}", good, line(stageTimestamp='"x"').decode().strip(), good]
    found, sentences, _ = said([wrap.format(",".join(items)).encode(), line()])

    assert [event.num for event in found] == [1, 2, 3, 4]
    assert len(sentences) == (5 if wrap.startswith("[") else 6)
    assert sentences[0].startswith("log:0, element 1: " if wrap.startswith("[") else "log:0, item 1: ")


def test_items_of_a_list_take_the_fast_path_and_need_no_kind():
    good = line(kind=None).decode().strip()
    found, _, decoder = said([('{"kind":"EventList","items":[' + ",".join([good] * 50) + "]}").encode()])

    assert len(found) == 50
    assert decoder.general == 2


@pytest.mark.parametrize("depth", [298, 301, 900])
def test_deep_nesting_is_an_event(depth):
    deep = '{"a":' * depth + "1" + "}" * depth
    found, sentences, _ = said([line(responseObject=deep), line(user=f'{{"username":{deep}}}'), line()])

    assert sentences == []
    assert len(found) == 3
    assert _FIELDS["ka.user.name"].bind(None)(found[1]) == deep


def test_limits_hold_for_the_bytes_of_the_event_and_not_for_the_line_end():
    size = len(line()) - 1
    for end in (b"\n", b"\r\n", b""):
        record = line().strip() + end
        assert len(said([line(), record], Limits(size, 10_000))[0]) == 2
        assert said([record], Limits(size - 1, 10_000))[2].counters() == {"audit events larger than maxEventSize": 1}
    listed = b'{"kind":"EventList","items":[' + line().strip() + b"]}"

    assert len(said([listed], Limits(size, 10_000))[0]) == 1
    assert said([listed], Limits(size - 1, 10_000))[2].counters() == {"audit events larger than maxEventSize": 1}
    assert said([listed], Limits(size, size))[2].counters() == {"records larger than webhookMaxBatchSize": 1}


def test_an_event_without_audit_id_has_json_fields_only():
    found, _, _ = said([line(), line(auditID=None)])

    assert _FIELDS["ka.verb"].bind(None)(found[1]) is None
    assert _FIELDS["jevt.value"].bind("/verb")(found[1]) == "create"


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ([], "2024-03-01T10:00:00.123456Z"),
        (["stageTimestamp"], "2024-03-01T10:00:00.000001Z"),
        (["stageTimestamp", "requestReceivedTimestamp"], "2018-10-26T13:00:25Z"),
    ],
)
def test_the_time_is_the_first_of_three_keys(absent, expected):
    found, _, _ = said([line(**dict.fromkeys(absent), timestamp='"2018-10-26T13:00:25Z"')])

    assert [event.stamp for event in found] == [expected]


def test_a_time_that_was_never_set_is_the_time_of_reading(monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 42)
    found, _, _ = said([line(stageTimestamp='"0001-01-01T00:00:00Z"')])

    assert found[0].time_ns == 42


@pytest.mark.parametrize("name", ["jevt.rawtime", "json.rawtime", "evt.num"])
def test_assumptions_are_the_idioms_for_always_and_never(name):
    use = FieldUse(name, None, _FIELDS["jevt.rawtime"])
    assume = AuditDecoder.assume

    assert assume(Check(use, Operator.EXISTS)) is True
    assert assume(Check(use, Operator.EQ, ("0",))) is False
    assert assume(Check(use, Operator.NE, (0,))) is True
    assert assume(Check(use, Operator.EQ, ("1",))) is None
    assert assume(Check(use, Operator.GT, ("0",))) is None
    assert assume(Check(use, Operator.EQ, ("0",), Modifier.ONEOF)) is None
    assert assume(Check(FieldUse("ka.verb", None, _FIELDS["ka.verb"]), Operator.EXISTS)) is None


def test_a_batch_may_be_any_sequence_of_bytes():
    assert len(decode(AuditDecoder(), (line(), line()))) == 2


class TestContract(DecoderContract):
    fields = FIELDS

    @pytest.fixture
    def make_decoder(self):
        def make():
            decoder = AuditDecoder()
            decoder.report = lambda sentence: None
            return decoder

        return make

    @pytest.fixture
    def batches(self):
        odd = [line(verb=v) for v in ("null", '"get"', '"a\\u0000b"', '"\\ud83d"', '"\udcff"', "1.0")]
        listed = b'{"kind":"EventList","items":[' + line().strip() + b"," + line(kind=None).strip() + b"]}"
        return [[line(), line(auditID=None), b"x", *odd], [listed, line(stage=None), line(stageTimestamp=None)]]
