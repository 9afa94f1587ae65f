"""Files and directories are read to their end, whatever is wrong with them."""

import gzip
import json
import os
import pickle
import zlib

import pytest

from falco.errors import SourceError
from falco.testing.sources import SourceContract
from falco_k8s_audit.config import Config
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.files import Part
from falco_k8s_audit.source import AuditSource

_STAMP = "2024-03-01T10:00:00.123456Z"


def event(name, **more):
    return {"kind": "Event", "auditID": name, "stageTimestamp": _STAMP, "verb": "get", **more}


def lines(*names, **more):
    return b"".join(json.dumps(event(name, **more)).encode() + b"\n" for name in names)


def names(source):
    """The auditIDs of the events of a source, in order."""
    return list(scan(source)[0])


def scan(source):
    """auditIDs, sentences, counters."""
    from falco.ruleset import Ruleset

    class Passing(Ruleset):
        def residual(self, key):
            return self.everything

    sentences = []
    decoder = AuditDecoder()
    decoder.report = source.report = sentences.append
    rules = Passing((), first_only=False)
    found = [e.document.get("auditID") for batch in source.batches() for _, e in decoder.select(batch, rules)]
    return found, sentences, {**source.counters(), **decoder.counters()}


def source(path, **config):
    return AuditSource(Config(**config), str(path))


@pytest.fixture
def log(tmp_path):
    return tmp_path / "audit.log"


def test_lines_come_out_in_order_with_or_without_a_last_line_feed(log):
    log.write_bytes(lines("a", "b") + b"\n \n" + lines("c").rstrip())

    assert names(source(log)) == ["a", "b", "c"]


def test_blanks_around_the_path_are_passed_over(log):
    log.write_bytes(lines("a"))

    assert names(source(f" {log} ")) == ["a"]


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_documents_of_every_form_come_out(log, indent):
    listed = {"kind": "EventList", "items": [event("a"), event("b")]}
    log.write_text("\n".join(json.dumps(d, indent=indent) for d in (listed, [event("c")], event("d"))))

    assert names(source(log)) == ["a", "b", "c", "d"]


def test_compressed_files_are_read_as_others(log):
    log.write_bytes(gzip.compress(lines("a")) + gzip.compress(lines("b")))

    assert names(source(log)) == ["a", "b"]


def test_a_truncated_compressed_file_gives_what_there_is_and_is_reported(log):
    everything = [f"{i:06}" for i in range(20_000)]
    packed = gzip.compress(lines(*everything))
    log.write_bytes(packed[: len(packed) // 2])
    found, sentences, counters = scan(source(log))

    unpacked = zlib.decompressobj(31).decompress(packed[: len(packed) // 2])
    assert found == everything[: unpacked.count(b"\n")]
    assert counters["documents that end in the middle"] == 1
    assert sentences[-1].startswith(f"{log}: cannot be read to its end: compressed file ended before")


@pytest.mark.parametrize("damage", [lambda packed: packed[:-1], lambda packed: packed + b"no member"])
def test_damage_at_the_end_of_a_compressed_file_costs_no_event(log, damage):
    everything = [f"{i:06}" for i in range(3_000)]
    log.write_bytes(damage(gzip.compress(lines(*everything))))
    found, _, counters = scan(source(log))

    assert found == everything
    assert counters == {"documents that end in the middle": 1}


def test_damage_inside_a_compressed_file_is_reported(log):
    packed = bytearray(gzip.compress(os.urandom(200_000).hex().encode() + b"\n" + lines("a")))
    packed[len(packed) // 2] ^= 255
    log.write_bytes(packed)
    _, _, counters = scan(source(log))

    assert counters["documents that end in the middle"] == 1


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense\n",
        b'{"kind":"Event","auditID":"x"\n',
        b'{"kind":"Pod"}\n',
        lines("x", verb=None, user=5, objectRef=[], stageTimestamp="x"),
        b'{"kind":"Event","auditID":"\xff\n',
        b"[" * 100_000 + b"\n",
        b"\x00\x01\x02\n",
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_bad_line_costs_no_other(log, bad, at):
    good = [lines("a"), lines("b")]
    log.write_bytes(b"".join([*good[:at], bad, *good[at:]]))
    found, sentences, counters = scan(source(log))

    assert found == ["a", "b"]
    assert sum(counters.values()) == 1
    assert sentences[0].startswith(f"{log}:{at + 1}: ")


def test_wrong_types_and_bad_bytes_in_any_key_are_events(log):
    odd = [
        lines("b", **{k: v}) for k in ("verb", "user", "objectRef", "stage", "requestObject") for v in (None, 5, [], {})
    ]
    odd.append(lines("b").replace(b"get", b"\xff\xfe"))
    log.write_bytes(lines("a") + b"".join(odd) + lines("c"))
    found, sentences, _ = scan(source(log))

    assert found == ["a", *["b"] * len(odd), "c"]
    assert sentences == []


def test_a_line_beyond_every_limit_is_dropped_and_the_rest_comes_out(log):
    with log.open("wb") as file:
        file.write(lines("a"))
        for _ in range(50):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + lines("b"))
    found, sentences, counters = scan(source(log))

    assert found == ["a", "b"]
    assert counters == {"records larger than webhookMaxBatchSize": 1}
    assert sentences[0].startswith(f"{log}:2: larger than 12582912 bytes")


def test_an_event_beyond_its_limit_is_dropped_and_the_rest_comes_out(log):
    log.write_bytes(lines("a") + lines("b", pad="p" * 300_000) + lines("c"))
    found, sentences, counters = scan(source(log))

    assert found == ["a", "c"]
    assert counters == {"audit events larger than maxEventSize": 1}
    assert sentences[0].startswith(f"{log}:2: event larger than maxEventSize: size=300")
    assert names(source(log, maxEventSize=400_000)) == ["a", "b", "c"]
    assert names(source(log, maxEventSize=0)) == []


def test_a_small_batch_size_holds_for_requests_and_not_for_lines(log):
    log.write_bytes(lines("a", "b"))

    assert names(source(log, webhookMaxBatchSize=1)) == ["a", "b"]


@pytest.mark.parametrize("path", ["", " ", "nope.jsonl", "f.jsonl?x=1", ":x"])
def test_a_path_where_nothing_is_ends_with_a_sentence(path):
    with pytest.raises(SourceError, match=rf"^stat {path.strip()}".replace("?", r"\?") + ": no such file or directory"):
        names(source(path))


def test_a_file_that_may_not_be_read_ends_with_a_sentence(log, monkeypatch):
    log.write_bytes(lines("a"))

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("io.FileIO", refuse)
    with pytest.raises(SourceError, match=rf"^open {log}: permission denied; .*run falco as root, or give"):
        names(source(log))


def test_a_directory_is_its_files_by_time_without_what_is_below(tmp_path):
    for name, time_s in (("b", 1000), ("z", 1500), ("a", 2000)):
        (tmp_path / name).write_bytes(lines(name).rstrip())
        os.utime(tmp_path / name, (time_s, time_s))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_bytes(lines("c"))

    assert names(source(tmp_path)) == ["b", "z", "a"]


def test_an_unreadable_file_of_a_directory_costs_no_other(tmp_path, monkeypatch):
    from falco_k8s_audit import files

    for name, time_s in (("a", 1), ("b", 2), ("c", 3)):
        (tmp_path / name).write_bytes(lines(name))
        os.utime(tmp_path / name, (time_s, time_s))
    original = files.io.FileIO

    def open_most(path):
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr("io.FileIO", open_most)
    found, sentences, counters = scan(source(tmp_path))

    assert found == ["a", "c"]
    assert counters == {"files that cannot be read": 1}
    assert [text.partition(";")[0] for text in sentences] == [
        f"{tmp_path / 'b'}: open {tmp_path / 'b'}: permission denied"
    ]


def test_an_empty_directory_and_an_empty_file_have_no_events(tmp_path):
    assert names(source(tmp_path)) == []
    (tmp_path / "a").touch()
    assert names(source(tmp_path)) == []


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_parts_are_the_whole_in_order_and_travel_to_other_processes(tmp_path, parts):
    everything = [f"{i:07}" for i in range(30_000)]
    for at, name in enumerate(("a", "b", "c")):
        chosen = everything[at * 10_000 : (at + 1) * 10_000]
        data = lines(*chosen, pad="p" * 100)
        (tmp_path / name).write_bytes(gzip.compress(data) if name == "b" else data)
        os.utime(tmp_path / name, (at, at))
    pieces = pickle.loads(pickle.dumps(source(tmp_path).split(parts)))

    assert len(pieces) <= parts
    assert [name for piece in pieces for name in names(piece)] == everything


def test_a_large_file_is_cut_into_as_many_parts_as_asked(log):
    log.write_bytes(lines(*(f"{i:07}" for i in range(60_000)), pad="p" * 100))

    parts = source(log).split(4)

    assert len(parts) == 4
    assert str(source(log)) == str(log)
    assert str(parts[0]).startswith(f"{log}, bytes 0 to ")


def test_lines_of_a_part_have_the_numbers_of_the_file(log):
    body = lines(*(f"{i:07}" for i in range(30_000)), pad="p" * 100)
    log.write_bytes(body + b"nonsense\n")
    parts = source(log).split(3)
    sentences = [said for part in parts for said in scan(part)[1]]

    assert len(parts) == 3
    assert [said.split(": ")[0] for said in sentences] == [f"{log}:30001"]


def test_documents_over_several_lines_are_not_cut(log):
    log.write_text("\n".join(json.dumps(event("a", pad="p" * 1000), indent=1) for _ in range(3000)))
    parts = source(log).split(4)

    assert len(parts) == 1
    assert len(names(parts[0])) == 3000


def test_reading_goes_on_from_the_position(log):
    everything = [f"{i:07}" for i in range(5000)]
    log.write_bytes(lines(*everything, pad="p" * 100) + b"x" * 13_000_000 + b"\n" + lines("end"))
    first = source(log)
    counts, positions = [0], []
    for batch in first.transport.batches():
        positions.append(first.transport.position)
        counts.append(counts[-1] + sum(len(record) < 1000 for record in batch))

    assert first.transport.position == (str(log), log.stat().st_size)
    assert len(positions) > 3
    for count, (_, offset) in zip(counts, positions, strict=False):
        rest = source(log)
        rest.transport.parts = [Part(str(log), offset)]
        assert names(rest) == [*everything, "end"][count:]


class TestContract(SourceContract):
    @pytest.fixture
    def make_source(self, tmp_path):
        path = tmp_path / "log"
        path.write_bytes(lines(*map(str, range(2000))))
        return lambda: source(path)

    @pytest.fixture
    def make_damaged_source(self, tmp_path):
        path = tmp_path / "damaged"
        path.write_bytes(gzip.compress(lines("a") * 1000)[:-20])
        return lambda: source(path)
