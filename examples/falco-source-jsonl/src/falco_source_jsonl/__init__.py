"""Any file of JSON lines as an event source: a whole plugin."""

import json
import time
from dataclasses import dataclass
from itertools import islice
from typing import Any

from falco import Argument, Event, Field, Source, hookimpl


@dataclass(slots=True)
class Line(Event):
    values: dict[str, Any]


class JsonLines(Source[list[Line]]):
    event_source = "jsonl"
    refused = 0

    def batches(self):
        with open(self.open_params, encoding="utf-8", errors="replace") as file:
            while not self.is_closed and (lines := list(islice(file, 256))):
                yield [event for line in lines if (event := self.event(line))]

    def event(self, line):
        try:
            return Line(values=dict(json.loads(line)), time_ns=time.time_ns())
        except (ValueError, TypeError, RecursionError):
            self.refused += 1
            return None

    def counters(self):
        return {"lines that are not JSON objects": self.refused}


def value(key):
    def get(event):
        found = event.values.get(key, get)
        return None if found is get else found if isinstance(found, str) else json.dumps(found)

    return get


@hookimpl
def falco_register_sources():
    return [JsonLines]


@hookimpl
def falco_register_fields(source):
    doc = "The value of a key of the object; numbers, true, false, null and containers as JSON."
    return [Field("jsonl.value", value, argument=Argument.KEY, doc=doc)] if source == "jsonl" else []
