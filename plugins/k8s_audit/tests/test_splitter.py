"""An input is lines or documents; its first document says which."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit.records import Limits
from falco_k8s_audit.splitter import RecordSplitter

_EVENT = {"kind": "Event", "auditID": "a", "nested": {"list": [1, {"x": "] } {"}]}}


_LIMITS = Limits(1000, 1000)


def split(data, limits=_LIMITS, block=1):
    splitter = RecordSplitter("log:{}".format, limits)
    lines = data.splitlines(keepends=True)
    found = []
    for at in range(0, len(lines), block):
        records = splitter.feed(lines[at : at + block])
        found += [(record, records.where(i)) for i, record in enumerate(records)]
    records = splitter.finish()
    found += [(record, records.where(i)) for i, record in enumerate(records)]
    return [(record, place) for record, place in found if record.strip()]


@given(st.integers(1, 5), st.sampled_from([None, 0, 1, 2, "\t"]), st.integers(1, 4), st.integers(0, 2))
def test_documents_come_out_as_they_went_in(count, indent, block, blanks):
    documents = [dict(_EVENT, auditID=f"a{i}") for i in range(count)]
    data = ("\n" * (blanks + 1)).join(json.dumps(d, indent=indent) for d in documents).encode()

    assert [json.loads(record) for record, _ in split(data, block=block)] == documents


@pytest.mark.parametrize("block", [1, 3, 100])
def test_lines_pass_as_they_are_with_their_numbers(block):
    data = b'{"a":1}\n\n{"b":\nnonsense\n{"c":3}'

    assert split(data, block=block) == [
        (b'{"a":1}\n', "log:1"),
        (b'{"b":\n', "log:3"),
        (b"nonsense\n", "log:4"),
        (b'{"c":3}', "log:5"),
    ]


@pytest.mark.parametrize(
    "first", [b'{"kind":"Event","audi', b'{"a":{"b":1}', b'{"a":"x', b'[{"a":1},{"b":2}', b"]", b"nonsense", b"{,"]
)
def test_a_broken_first_line_costs_no_other(first):
    data = first + b'\n{"a":1}\n{"b":2}\n'

    assert split(data) == [(first + b"\n", "log:1"), (b'{"a":1}\n', "log:2"), (b'{"b":2}\n', "log:3")]


def test_a_list_with_an_event_a_line_is_one_document():
    data = b'{"kind":"EventList","items":[\n{"a":1},\n{"b":2}\n]}\n'

    assert split(data) == [(data, "log:1")]


def test_a_broken_document_ends_where_the_next_begins():
    good, bad = json.dumps(_EVENT, indent=1), json.dumps(_EVENT, indent=1)[:-2]
    found = split(f"{good}\n{bad}\n{good}".encode())

    assert [record.decode().strip() for record, _ in found] == [good, bad, good]
    assert [place for _, place in found] == [
        "log:1",
        f"log:{good.count(chr(10)) + 2}",
        f"log:{2 * good.count(chr(10)) + 2}",
    ]


def test_a_document_beyond_the_limit_is_cut_and_the_next_one_comes_out():
    huge = json.dumps({"list": list(range(1000))}, indent=1)
    good = json.dumps(_EVENT, indent=1)
    sizes = [len(record) for record, _ in split(f"{good}\n{huge}\n{good}".encode())]

    assert sizes[0] == sizes[2] + 1 == len(good) + 1
    assert 1000 < sizes[1] < 1100


def test_a_first_document_beyond_the_limit_is_cut_too():
    huge = json.dumps({"list": list(range(1000))}, indent=1)
    good = json.dumps(_EVENT, indent=1)
    found = split(f"{huge}\n{good}".encode())

    assert [place for _, place in found] == ["log:1", "log:1005"]
    assert 1000 < len(found[0][0]) < 1100
    assert found[1][0].decode() == good


def test_an_indented_start_that_never_balances_costs_no_later_document():
    data = b'{"a":\n {\n' + b' "b",\n' * 500 + b'{"c":3}\n{"d":4}\n'
    found = split(data)

    assert [record for record, _ in found[1:]] == [b'{"c":3}\n', b'{"d":4}\n']


def test_an_input_that_never_balances_falls_back_to_lines_at_the_limit():
    lines = [b'{"a":[\n'] + [b'{"b":%d},\n' % i for i in range(300)]

    assert [record for record, _ in split(b"".join(lines))] == lines


def test_garbage_between_documents_is_passed_on_to_be_refused():
    good = json.dumps(_EVENT, indent=1).encode()

    assert [record.strip() for record, _ in split(good + b"\n}\nx\n" + good)] == [good, b"}", b"x", good]


@given(
    st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b"\n", b" ", b"a", b":", b",", b"1"]), max_size=60)
)
def test_nothing_is_lost_whatever_comes(pieces):
    data = b"".join(pieces)

    assert b"".join(record for record, _ in split(data)).split() == data.split()


_PRETTY = json.dumps(_EVENT, indent=2)
_PRETTY_LINES = f"{_PRETTY}\n".splitlines(keepends=True)


def _cuts():
    """The document without its first lines, without its last, and what is neither the one nor the other."""
    yield from ("".join(_PRETTY_LINES[at:]) for at in range(1, len(_PRETTY_LINES)))
    yield from ("".join(_PRETTY_LINES[:at]) for at in range(1, len(_PRETTY_LINES)))
    yield from (
        "".join(_PRETTY_LINES) + "}\n",
        _PRETTY.replace('"a",', '"a"') + "\n",
        "# rotated\n",
        '{"a":1,}\n',
        "  {}\n",
        "]\n",
    )


@pytest.mark.parametrize("cut", list(_cuts()))
@pytest.mark.parametrize("block", [1, 100])
def test_an_input_that_begins_with_a_cut_document_goes_on_with_the_next(cut, block):
    found = split(f"{cut}{_PRETTY}\n{_PRETTY}\n".encode(), block=block)

    assert [record.decode().strip() for record, _ in found][-2:] == [_PRETTY, _PRETTY]
    assert 1 <= len(found) - 2 <= 2
    assert [place for _, place in found][-2] == f"log:{cut.count(chr(10)) + 1}"


def test_a_cut_document_without_indentation_ends_where_the_next_can_only_begin():
    document = json.dumps(_EVENT, indent=0)
    cut = "".join(document.splitlines(keepends=True)[:3])
    found = split(f"{cut}{document}\n{document}".encode())

    assert [record.decode().strip() for record, _ in found] == [cut.strip(), document, document]


def test_the_rest_of_a_document_is_one_record_and_costs_no_line_after_it():
    assert split(b'  "b": 1\n }\n}\n{"a":1}\n{"b":\n{"c":3}\n') == [
        (b'  "b": 1\n }\n}\n', "log:1"),
        (b'{"a":1}\n', "log:4"),
        (b'{"b":\n', "log:5"),
        (b'{"c":3}\n', "log:6"),
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_byte_order_mark_costs_no_record(indent):
    texts = [json.dumps(_EVENT, indent=indent).encode(), json.dumps(_EVENT, indent=indent).encode()]

    assert [record.strip() for record, _ in split(b"\xef\xbb\xbf" + b"\n".join(texts))] == texts


def test_lines_of_a_container_log_are_lines():
    splitter = RecordSplitter("log:{}".format, _LIMITS)
    splitter.feed([b'2026-03-09T09:00:01.5Z stdout F {"kind":"Event"}\n'])

    assert splitter.is_lines
