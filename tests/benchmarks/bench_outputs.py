"""Whether a file takes 10,000 alerts a second, as text and as JSON, with and without keeping it open.

python tests/benchmarks/bench_outputs.py [--alerts 50000]
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter, TextFormatter
from falco.fields.format import Shape
from falco.outputs import Dispatcher, OutputContext
from falco.rules.model import Priority
from falco.templates.render import Placeholder
from falco_outputs.file import FileConfig, FileOutput

WANTED = 10_000
NAMES = ("ka.user.name", "ka.target.name", "ka.target.namespace", "ka.response.code")


def alerts(count: int) -> list[Alert]:
    """Alerts like those of the packaged rules."""
    places = tuple(Placeholder(slot, Shape()) for slot in range(len(NAMES)))
    message = ["Something was seen"]
    pieces = [piece for name, place in zip(NAMES, places, strict=True) for piece in (f" {name}=", place)]
    template = AlertTemplate(
        rule="Something Seen",
        priority=Priority.WARNING,
        source="k8s_audit",
        message=(*message, *pieces),
        tags=("k8s", "mitre_execution"),
        fields=tuple(zip(NAMES, places, strict=True)),
    )
    return [
        Alert(template, number, 1_772_344_800_000_000_000 + number, (f"user{number}", "web", "shop", "200"))
        for number in range(count)
    ]


def measure(path: Path, made: list[Alert], *, is_json: bool, keep_alive: bool, is_buffered: bool) -> float:
    """Alerts a second, from the first that is emitted to the last that is in the file."""
    options = FormatOptions(hostname="bench")
    formatter = JsonFormatter(options) if is_json else TextFormatter(options)
    context = OutputContext(formatter.render, is_json, is_buffered, io.BytesIO(), {}, print, path.parent)
    output = FileOutput(FileConfig(filename=str(path), keep_alive=keep_alive), context)
    dispatcher = Dispatcher([output], report=print)
    start = time.perf_counter()
    for alert in made:
        dispatcher.emit(alert, wait=True)
    dispatcher.close()
    took_s = time.perf_counter() - start
    with path.open("rb") as file:
        written = sum(1 for _ in file)
    if written != len(made):
        sys.exit(f"{len(made) - written} alerts are not in the file")
    path.unlink()
    return len(made) / took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alerts", type=int, default=50_000)
    made = alerts(parser.parse_args().alerts)
    with tempfile.TemporaryDirectory() as directory:
        for is_json in (False, True):
            for keep_alive, is_buffered in ((False, False), (True, False), (True, True)):
                rate = measure(
                    Path(directory, "alerts"), made, is_json=is_json, keep_alive=keep_alive, is_buffered=is_buffered
                )
                print(
                    f"file, {'JSON' if is_json else 'text'}, keep_alive {str(keep_alive).lower()}, buffered "
                    f"{str(is_buffered).lower()}: {rate:,.0f} alerts/s (wanted: {WANTED:,}), nothing lost"
                )


if __name__ == "__main__":
    main()
