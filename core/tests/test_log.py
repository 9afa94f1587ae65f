import io
import json
import re
from datetime import timedelta, timezone

import pytest
import structlog

from falco import log


@pytest.fixture(autouse=True)
def restored():
    yield
    structlog.reset_defaults()


def lines(**options):
    stream = io.BytesIO()
    log.configure(stream, **options)
    logger = structlog.get_logger("test")
    logger.debug("a debug line")
    logger.info("rules_loaded", rules=3, file="a b")
    logger.error("plain sentence")
    return stream.getvalue().decode().splitlines()


def test_lines_are_time_sentence_and_keys():
    first, second = lines()

    assert re.fullmatch(
        r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}: rules_loaded rules=3 file='a b'", first
    )
    assert second.endswith(": plain sentence")


def test_times_can_be_iso8601_in_utc():
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000: rules_loaded", lines(is_iso8601=True)[0])


def test_times_are_in_the_zone_asked_for():
    east, west = (lines(zone=timezone(timedelta(hours=hours)))[0][11:13] for hours in (12, 0))

    assert (int(east) - int(west)) % 24 == 12


@pytest.mark.parametrize(
    ("level", "number"), [("debug", 3), ("info", 2), ("notice", 1), ("error", 1), ("emergency", 0)]
)
def test_what_is_less_severe_is_not_written(level, number):
    assert len(lines(level=level)) == number


def test_without_a_stream_nothing_is_written(capsys):
    log.configure(None)
    structlog.get_logger("test").error("nobody hears")

    assert capsys.readouterr() == ("", "")


def test_a_stream_that_cannot_be_written_is_no_error():
    stream = io.BytesIO()
    stream.close()
    log.configure(stream)

    assert structlog.get_logger("test").error("lost") is None


def test_lines_can_be_json_objects():
    first, second = (json.loads(line) for line in lines(is_json=True))

    assert (first["level"], first["message"]) == ("info", "rules_loaded rules=3 file='a b'")
    assert (second["level"], second["message"]) == ("error", "plain sentence")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", first["time"])


def test_lines_go_to_syslog_too_with_their_severity(monkeypatch):
    syslog = pytest.importorskip("syslog")
    sent = []
    monkeypatch.setattr(syslog, "syslog", lambda priority, line: sent.append((priority, line)))

    assert len(lines(to_syslog=True)) == 2
    assert sent == [(6, "rules_loaded rules=3 file='a b'"), (3, "plain sentence")]


def test_what_a_line_is_about_can_neither_be_obeyed_nor_pass_for_a_line():
    stream = io.BytesIO()
    log.configure(stream)
    structlog.get_logger("test").error("bad time 'x\x1b[2J\x9b2J'\nTue Nov 24 18:00:00 2026: all is well", file="a\rb")
    first, second = stream.getvalue().decode().splitlines()

    assert first.endswith(": bad time 'x\\u001b[2J\\u009b2J'")
    assert second == "    Tue Nov 24 18:00:00 2026: all is well file=a\\u000db"
