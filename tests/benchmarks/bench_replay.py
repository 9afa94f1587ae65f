"""How fast captures are replayed with rules, beside sysdig (where it is installed) with the same conditions.

    make bench
    python tests/benchmarks/bench_replay.py --rules FILE --capture FILE.scap --only mixes,recorded,gzip,memory

Each figure is the median of interleaved rounds; whole processes, less what they take for an empty capture.  The rate of
``json.loads`` on audit events is printed beside them, as a measure of the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import audit_log
import capture_mix
import yaml

SYSDIG_OUTPUT = "*%evt.rawtime %evt.type %proc.name %fd.name"
RULES = Path(__file__).with_name("replay_rules.yaml")
MIXES = ("quiet", "dense")
SHARED = Path(__file__).parents[3] / "shared"
CAPTURE = SHARED / "oracle" / "syscall" / "speed" / "busy.scap"
OFFICIAL_RULES = SHARED / "upstream" / "rules" / "falco_rules.yaml"
AIM, AIM_JSON = 1_500_000, 130_000
"""Events/s of a capture of today with the official rules, on a machine on which ``json.loads`` does so many."""


def sysdig_filter(rules: Path) -> str:
    """The conditions of all rules in one filter, lists and macros written out."""
    names: dict[str, str] = {}
    found = []

    def written_out(text: str) -> str:
        for name, value in names.items():
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", lambda _match, value=value: value, text)
        return text

    for item in yaml.safe_load(rules.read_text(encoding="utf-8")):
        if "list" in item:
            names[item["list"]] = written_out(", ".join(map(str, item["items"])))
        elif "macro" in item:
            names[item["macro"]] = f"({written_out(item['condition'])})"
        elif "rule" in item:
            found.append(f"({written_out(item['condition'])})")
    return f"evt.dir=< and ({' or '.join(found)})"


def falco_command(capture: Path, rules: Path, folder: Path) -> list[str]:
    config = folder / "falco.yaml"
    config.write_text(
        "config_files: []\nengine: {kind: replay}\nstdout_output: {enabled: true}\n"
        "buffered_outputs: true\nwatch_config_files: false\n",
        encoding="utf-8",
    )
    options = ["-c", str(config), "-r", str(rules), "-o", f"engine.replay.capture_file={capture}"]
    return [sys.executable, "-m", "falco", *options]


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.rules: Path = options.rules
        self.rounds: int = options.rounds
        self.events: int = options.events
        self.capture: Path = options.capture
        self.recorded_rules: Path = options.recorded_rules
        self.folder = folder
        self.empty = folder / "empty.scap"
        self.empty.write_bytes(capture_mix.empty())
        self.has_sysdig = shutil.which("sysdig") is not None
        if not self.has_sysdig:
            print("sysdig is not installed: no comparison")

    def _run(self, command: Sequence[str]) -> tuple[float, float, int]:
        """Seconds on the clock, seconds of processor time, events detected."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        with (self.folder / "out").open("wb") as out:
            subprocess.run(command, check=True, stdout=out, stderr=subprocess.DEVNULL)
        took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        written = (self.folder / "out").read_bytes()
        told = re.search(rb"Events detected: (\d+)", written)
        lines = int(told[1]) if told else written.count(b"\n")
        return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, lines

    def _ours(self, capture: Path, rules: Path | None = None) -> tuple[float, float, int]:
        return self._run(falco_command(capture, rules or self.rules, self.folder))

    def _sysdig(self, capture: Path) -> tuple[float, float, int]:
        return self._run(["sysdig", "-r", str(capture), "-p", SYSDIG_OUTPUT, sysdig_filter(self.rules)])

    def _interleaved(self, **runs: Callable[[], tuple[float, float, int]]) -> dict[str, list[tuple[float, float, int]]]:
        found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in runs}
        for _ in range(self.rounds):
            for name, run in runs.items():
                found[name].append(run())
        return found

    def _report(self, title: str, events: int, capture: Path) -> None:
        runs = {"start": lambda: self._ours(self.empty), "ours": lambda: self._ours(capture)}
        if self.has_sysdig:
            runs |= {"sysdig_start": lambda: self._sysdig(self.empty), "sysdig": lambda: self._sysdig(capture)}
        found = self._interleaved(**runs)
        line = [f"{title}: {events:,} events"]
        rates = {}
        for column, unit in ((0, "on the clock"), (1, "of processor time")):
            ours = _median(found["ours"], column) - _median(found["start"], column)
            text = f"{events / ours:,.0f} events/s {unit}"
            rates[unit] = ours
            if self.has_sysdig:
                theirs = _median(found["sysdig"], column) - _median(found["sysdig_start"], column)
                text += f" ({theirs / ours:.2f} x sysdig)"
            line.append(text)
        lines = f"{found['ours'][0][2]} alerts"
        if self.has_sysdig:
            lines += f", sysdig {found['sysdig'][0][2]}"
        print("; ".join([*line, lines, f"start {_median(found['start'], 0):.2f} s"]))

    def mixes(self) -> None:
        for mix in MIXES:
            path = self.folder / f"{mix}.scap"
            events = capture_mix.write(path, mix, self.events)
            self._report(mix, events, path)

    def recorded(self) -> None:
        """A capture of today, joined ten times, with rules that are in use; sysdig cannot read it."""
        if not (self.capture.exists() and self.recorded_rules.exists()):
            print(f"{self.capture.name} is not there: not measured")
            return
        path = self.folder / "joined.scap"
        path.write_bytes(self.capture.read_bytes() * 10)
        events, rates = _events(path), []
        found = self._interleaved(
            start=lambda: self._ours(self.empty, self.recorded_rules),
            ours=lambda: self._ours(path, self.recorded_rules),
            json=lambda: (rates.append(_json_rate(self.folder)), 0.0, 0),
        )
        json_rate = statistics.median(rates)
        line = [f"{self.capture.name} ten times: {events:,} events"]
        for column, unit in ((0, "on the clock"), (1, "of processor time")):
            rate = events / (_median(found["ours"], column) - _median(found["start"], column))
            line.append(f"{rate:,.0f} events/s {unit}")
        aim = AIM * json_rate / AIM_JSON
        print("; ".join([*line, f"json.loads {json_rate:,.0f} audit events/s: the aim is {aim:,.0f} events/s"]))

    def gzip(self) -> None:
        path, packed = self.folder / "quiet.scap", self.folder / "quiet.scap.gz"
        if not path.exists():
            capture_mix.write(path, "quiet", self.events)
        with path.open("rb") as file, gzip.open(packed, "wb", compresslevel=6) as out:
            shutil.copyfileobj(file, out)
        found = self._interleaved(
            start=lambda: self._ours(self.empty), plain=lambda: self._ours(path), packed=lambda: self._ours(packed)
        )
        start = _median(found["start"], 0)
        ratio = (_median(found["packed"], 0) - start) / (_median(found["plain"], 0) - start)
        print(f"gzip takes {ratio:.2f} x the time of plain")

    def memory(self) -> None:
        sizes = []
        for events in (self.events, 10 * self.events):
            path = self.folder / "long.scap"
            capture_mix.write(path, "quiet", events)
            command = falco_command(path, self.rules, self.folder)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            assert status == 0, command
            sizes.append((path.stat().st_size >> 20, usage.ru_maxrss >> 10))
            path.unlink()
        print("; ".join(f"{size} MB of capture: {used} MB of memory" for size, used in sizes))

    def json(self) -> None:
        rate = statistics.median(_json_rate(self.folder) for _ in range(self.rounds))
        print(f"json.loads: {rate:,.0f} audit events/s")


def _json_rate(folder: Path) -> float:
    """How many audit events ``json.loads`` reads in a second of processor time."""
    path = folder / "audit.jsonl"
    if not path.exists():
        audit_log.write(path, 20_000, 0.005)
    lines = path.read_bytes().splitlines()
    start = time.process_time()
    for line in lines:
        json.loads(line)
    return len(lines) / (time.process_time() - start)


def _median(runs: Sequence[tuple[float, float, int]], column: int) -> float:
    return statistics.median(run[column] for run in runs)


def _events(path: Path) -> int:
    from falco_syscall.capture.chunks import ChunkReader
    from falco_syscall.capture.columns import ColumnConverter

    converter = ColumnConverter(print)
    for chunk in ChunkReader(path):
        converter.convert(chunk)
    return converter.last_num


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["json", "mixes", "recorded", "gzip", "memory"]
    parser.add_argument("--rules", type=Path, default=RULES, help="rules of the syscall source")
    parser.add_argument("--capture", type=Path, default=CAPTURE, help="a capture of today, for 'recorded'")
    parser.add_argument("--recorded-rules", type=Path, default=OFFICIAL_RULES, help="the rules for it")
    parser.add_argument("--events", type=int, default=1_500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(names), help=f"some of {','.join(names)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for name in options.only.split(","):
            getattr(bench, name)()


if __name__ == "__main__":
    main()
