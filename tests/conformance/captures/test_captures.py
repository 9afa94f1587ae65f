"""Recorded captures, and damaged ones, read like the reference reader reads them."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from falco_syscall.capture import CaptureError, CaptureEvent, CaptureReader, Comment, Metadata
from falco_syscall.capture.blocks import EVENT_FORMS, blocks
from falco_syscall.capture.capture_file import CaptureFile
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.stored_event import MalformedEvent, StoredEvent, read_event
from falco_syscall.capture.writer import CaptureWriter

CLASSES = ("evt", "fd", "proc", "thread", "user", "container", "fspath", "hidden")


def captures(recorded: Path) -> list[Path]:
    found = sorted((recorded / "captures").glob("*.scap"))
    assert found, f"no captures in {recorded}"
    return found


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8", errors="surrogateescape") as file:
        yield from map(json.loads, file)


def answers(recorded: Path, name: str) -> dict[int, dict[str, Any]]:
    """What was recorded of each event shown, by its number."""
    found: dict[int, dict[str, Any]] = {}
    for class_ in CLASSES:
        path = recorded / "fields" / f"{name}.{class_}.jsonl.gz"
        if path.is_file():
            for line in lines(path):
                found.setdefault(line["n"], {}).update(line["fields"])
    return found


def test_the_events_shown_are_those_of_the_reference(recorded: Path) -> None:
    compared = 0
    for path in captures(recorded):
        known = answers(recorded, path.stem)
        if not known:
            continue
        reader = CaptureReader(path, strict=True)
        # Of a very long capture only the first events were recorded.
        shown = {e.num: e for e in reader.events() if not e.hidden and e.num <= max(known)}

        assert shown.keys() == known.keys(), path.name
        for number, fields in known.items():
            event = shown[number]
            if "evt.time" in fields:
                assert event.time_ns == fields["evt.time"], (path.name, number)
                assert event.cpu == fields["evt.cpu"], (path.name, number)
                # Generic and asynchronous events are named by a parameter.
                if event.name not in ("syscall", "asyncevent"):
                    assert event.name == fields["evt.type"], (path.name, number)
            if "thread.tid" in fields:
                assert event.tid == fields["thread.tid"], (path.name, number)
        compared += 1
    print(f"{compared} captures")
    assert compared


def test_scan_and_walk_find_the_same(recorded: Path) -> None:
    for path in [*captures(recorded), *(recorded / "speed").glob("*.scap"), *(recorded / "scapfmt/files").iterdir()]:
        for chunk_bytes in (1 << 20, 5000):
            assert scanned(path, chunk_bytes) == walked(path), (path.name, chunk_bytes)


def scanned(path: Path, chunk_bytes: int) -> list[object]:
    found: list[object] = []
    try:
        for chunk in ChunkReader(path, chunk_bytes=chunk_bytes):
            found += [m for m in chunk.metadata if not isinstance(m, Comment)]
            found += [chunk.event(i)._replace(tail=b"") for i in range(len(chunk))]
    except CaptureError as error:
        found.append(str(error))
    return found


class Walk(CaptureFile):
    def stored(self) -> Iterator[Metadata | StoredEvent]:
        for block in blocks(self._stream):
            if block.kind not in EVENT_FORMS:
                yield from self._other_block(block)
                continue
            self._has_events = True
            try:
                event = read_event(EVENT_FORMS[block.kind], block.body)
            except MalformedEvent:
                continue
            if isinstance(event, StoredEvent):
                yield event._replace(tail=b"")
        self._end_section()


def walked(path: Path) -> list[object]:
    found: list[object] = []
    with Walk(path) as walk:
        try:
            found.extend(item for item in walk.stored() if not isinstance(item, Comment))
        except CaptureError as error:
            found.append(str(error))
    return found


def damaged(recorded: Path) -> list[dict[str, Any]]:
    path = recorded / "scapfmt" / "cases.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def outcome(path: Path, *, strict: bool) -> tuple[list[int], CaptureReader, str | None]:
    reader = CaptureReader(path, strict=strict)
    numbers: list[int] = []
    try:
        numbers.extend(e.num for e in reader.events() if not e.hidden)
    except CaptureError as error:
        return numbers, reader, str(error)
    return numbers, reader, None


def reads_on(case: dict[str, Any]) -> bool:
    """The reference ends at something that is no fault of the file's structure, or delivers less than it could.

    What a parameter must hold is a question of state, not of reading; and a gzip file with a wrong checksum is
    refused as a whole by the reference, but only if it is small.
    """
    errors = " ".join(case["error"])
    return "could not parse param" in errors or "error reading from file" in errors


def test_a_strict_reader_ends_where_the_reference_ends(recorded: Path) -> None:
    cases = damaged(recorded)
    assert cases
    for case in cases:
        numbers, _, error = outcome(recorded / "scapfmt/files" / f"{case['case']}.scap", strict=True)
        if reads_on(case):
            assert len(numbers) >= case["alerts"], case["case"]
            continue
        assert len(numbers) == case["alerts"], case["case"]
        if numbers:
            assert (numbers[0], numbers[-1]) == (case["first_num"], case["last_num"]), case["case"]
        assert (error is not None) == (case["rc"] != 0), case["case"]
    print(f"{len(cases)} damaged captures")


def test_a_lenient_reader_delivers_at_least_as_much_and_tells_what_is_wrong(recorded: Path) -> None:
    for case in damaged(recorded):
        numbers, reader, error = outcome(recorded / "scapfmt/files" / f"{case['case']}.scap", strict=False)

        assert len(numbers) >= case["alerts"], case["case"]
        if case["rc"] != 0 and "could not parse param" not in " ".join(case["error"]):
            assert error or reader.problem_count, case["case"]
        if case["rc"] == 0:
            assert error is None, case["case"]
            assert not reader.problems, case["case"]


def test_what_is_read_can_be_written_and_read_again(recorded: Path, tmp_path: Path) -> None:
    for path in captures(recorded):
        items = [item for item in CaptureReader(path) if not isinstance(item, Comment)]
        copy = tmp_path / "copy.scap"
        with copy.open("wb") as file, CaptureWriter(file) as writer:
            for item in items:
                writer.write(item)
        again = list(CaptureReader(copy))
        for item in items:
            if isinstance(item, CaptureEvent):
                item.stored_code = item.code

        assert again == items, path.name


def test_the_table_is_what_the_export_says(spec: Path) -> None:
    root = next(p for p in Path(__file__).parents if (p / "tools/event_table.py").is_file())
    loader = importlib.util.spec_from_file_location("event_table_tool", root / "tools/event_table.py")
    assert loader is not None
    assert loader.loader is not None
    tool = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(tool)
    target, tool.TARGET = tool.TARGET, None
    export = json.loads((spec / "event_table.json").read_text(encoding="utf-8"))

    written = json.loads((target / "event_table.json").read_text(encoding="utf-8"))

    assert written["events"] == [tool.event(e) for e in export["events"]]
    assert [e.constant for e in EVENTS] == [e["enum"].removeprefix("PPME_") for e in export["events"]]
    rules = json.loads((spec / "converter.json").read_text(encoding="utf-8"))["rules"]
    assert json.loads((target / "conversions.json").read_text(encoding="utf-8"))["rules"] == list(map(tool.rule, rules))
