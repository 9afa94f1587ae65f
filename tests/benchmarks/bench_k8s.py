"""How fast audit logs are scanned, as ratios to ``json.loads`` of the same lines in the same run.

    make bench                                   # the packaged rules
    make bench RULES=path/to/k8s_audit_rules.yaml EVENTS=200000
    python tests/benchmarks/bench_k8s.py --rules FILE --only log,jobs

Absolute figures move with the machine and its load; ratios of interleaved rounds hardly do.  What starts up (imports,
rules) is measured apart from what an event costs.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import audit_log

from falco.alerts import FormatOptions, TextFormatter
from falco.conditions.checked import Check, Condition
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import FieldUse, evt
from falco.fields.registry import Fields
from falco.outputs import Dispatcher, OutputContext
from falco.pipeline import Pipeline, evaluate, run_jobs
from falco.rules.loader import RuleLoader
from falco.rules.model import Rule
from falco.ruleset import Ruleset
from falco.ruleset.interpreter import matches
from falco.ruleset.specialise import rebuild, signed
from falco_k8s_audit.config import Config
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.fields import FIELDS
from falco_k8s_audit.records import Records
from falco_k8s_audit.source import AuditSource
from falco_outputs.stdout import StdoutConfig, StdoutOutput

HERE = Path(__file__).parent
QUIET, BUSY = 0.005, 0.2
"""Shares of events that official rules report."""
_LONG = 6
"""How often the log is repeated for several processes: starting one takes as long as 100,000 events."""
PACKAGED_RULES = HERE.parents[1] / "rules" / "k8s_audit_rules.yaml"


# ---- what is measured ------------------------------------------------------------------------------------------------


def load(path: Path) -> tuple[Rule, ...]:
    own = {field.name for field in FIELDS}
    generic = [f for f in evt.fields(source="k8s_audit", hostname="bench", plugin="k8s_audit") if f.name not in own]
    loader = RuleLoader({"k8s_audit": Scope("k8s_audit", Fields("k8s_audit", [*generic, *FIELDS]), BUILT_IN)})
    loader.load(path.name, path.read_bytes())
    return loader.rules


def ruleset(rules: Sequence[Rule]) -> Ruleset[AuditEvent]:
    return Ruleset(rules, dispatch=AuditDecoder.dispatch, assume=AuditDecoder.assume, first_only=True)


def build(path: Path) -> tuple[AuditDecoder, Ruleset[AuditEvent]]:
    return AuditDecoder(), ruleset(load(path))


def dispatcher() -> Dispatcher:
    context = OutputContext(
        render=TextFormatter(FormatOptions()).render,
        is_json=False,
        is_buffered=True,
        stdout=Path("/dev/null").open("wb"),
        env={},
        report=print,
    )
    return Dispatcher([StdoutOutput(StdoutConfig(), context)], report=print)


def scan(source: Any, rules: Ruleset[AuditEvent], decoder: AuditDecoder | None = None) -> tuple[int, int]:
    """The whole pipeline: file to alerts written as text; events and alerts."""
    output = dispatcher()
    pipeline = Pipeline(source, decoder or AuditDecoder(), rules, output, print)
    pipeline.run()
    output.close()
    assert not pipeline.failures
    return pipeline.decoder.count, pipeline.statistics.total


def parse(path: Path) -> None:
    """The yardstick."""
    loads = json.loads
    with path.open("rb", buffering=1 << 17) as lines:
        for line in lines:
            loads(line)


def copies(rules: Sequence[Rule], count: int) -> list[Rule]:
    """*count* rules: *rules*, and copies of them for resources of other names."""

    def renamed(number: int) -> Callable[[Check, bool], Condition]:
        def literal(check: Check, is_positive: bool) -> Condition:
            if isinstance(check.left, FieldUse) and check.left.name == "ka.target.resource":
                check = replace(check, right=tuple(f"{text}-{number}" for text in check.right))
            return signed(check, is_positive)

        return literal

    made = list(rules)
    while len(made) < count:
        number, position = divmod(len(made), len(rules))
        rule = rules[position]
        condition = rebuild(rule.condition, renamed(number))
        made.append(replace(rule, index=len(made), name=f"{rule.name} {number}", condition=condition))
    return made


class Repeated(AuditSource):
    """A file read over and over: a long input that needs no disk."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(Config(), str(path))
        self.times = times
        self.after: list[int] = []

    def batches(self) -> Iterator[Records]:
        for _ in range(self.times):
            yield from super().batches()
            self.after.append(largest_size_mb())


# ---- measurements ----------------------------------------------------------------------------------------------------


Clock = Callable[[], float]


def timed(run: Callable[[], Any], clock: Clock = time.perf_counter) -> float:
    start = clock()
    run()
    return clock() - start


def interleaved(rounds: int, *runs: Callable[[], Any], clock: Clock = time.perf_counter) -> list[list[float]]:
    """Seconds of each run in each round, after one round that does not count."""
    for run in runs:
        run()
    columns = zip(*[[timed(run, clock) for run in runs] for _ in range(rounds)], strict=True)
    return [list(column) for column in columns]


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


class Bench:
    def __init__(self, rules: Path, events: int, rounds: int, directory: Path, clock: Clock) -> None:
        self.path, self.events, self.rounds, self.clock = rules, events, rounds, clock
        self.directory = directory
        self.rules = load(rules)
        size = self.log_of(QUIET).stat().st_size / events
        print(f"{len(self.rules)} rules, {events:,} events of {size:,.0f} bytes, {rounds} rounds")

    def log_of(self, share: float) -> Path:
        """The log with this share of reported events, written when it is first asked for."""
        path = self.directory / f"audit-{share}.jsonl"
        if not path.exists():
            audit_log.write(path, self.events, share)
        return path

    def log(self) -> None:
        """File to alerts against json.loads: a quiet log, a busy one."""
        for share in (QUIET, BUSY):
            self._log(share)

    def _log(self, share: float) -> None:
        path, rules, decoder = self.log_of(share), ruleset(self.rules), AuditDecoder()
        start = self.clock()
        _, alerts = scan(AuditSource(Config(), str(path)), rules, decoder)
        cold = self.clock() - start
        ours, theirs = interleaved(
            self.rounds, functools.partial(self._scan, path, rules), functools.partial(parse, path), clock=self.clock
        )
        median = statistics.median(ours)
        print(
            f"{share:.1%} reported: {self.events / median:,.0f} events/s ({1e6 * median / self.events:.2f} us), "
            f"{ratio(theirs, ours):.2f} x json.loads; {alerts} alerts, {decoder.decoded_fully} opened, "
            f"{decoder.general} on the general path, {len(rules.table)} keys, {rules.residuals_built} functions, "
            f"first time {1e3 * (cold - median):.0f} ms more"
        )

    def many(self) -> None:
        """A thousand rules against those there are."""
        path = self.log_of(QUIET)
        few, many = ruleset(self.rules), ruleset(copies(self.rules, 1000))
        runs = [functools.partial(self._scan, path, rules) for rules in (few, many)]
        a, b = interleaved(self.rounds, *runs, clock=self.clock)
        copied = copies(self.rules, 1000)
        load_many = timed(lambda: ruleset(copied), self.clock)
        cold = timed(lambda: self._scan(path, ruleset(copied)), self.clock) - load_many
        print(
            f"{len(many.rules)} rules take {ratio(b, a):.2f} x the time of {len(few.rules)}; compiled in {load_many:.2f} s, "
            f"first scan {1e3 * (cold - statistics.median(b)):.0f} ms more"
        )

    @staticmethod
    def _scan(path: Path, rules: Ruleset[AuditEvent]) -> None:
        scan(AuditSource(Config(), str(path)), rules)

    def interpreter(self) -> None:
        """The compiled ruleset against the interpreter, decoding included on both sides."""
        with self.log_of(QUIET).open("rb") as file:
            lines = [next(file) for _ in range(min(self.events, 4000))]
        rules = ruleset(self.rules)
        conditions = [rule.condition for rule in self.rules]
        fast = functools.partial(evaluate, AuditDecoder(), lines, rules)

        def slow() -> None:
            for num, line in enumerate(lines, 1):
                matches(conditions, AuditEvent(line, num, "2026-03-01T06:00:00.000000Z", 1), first_only=True)

        a, b = interleaved(3, fast, slow, clock=self.clock)
        print(f"compiled is {ratio(b, a):.0f} x the interpreter ({1e6 * b[0] / len(lines):.0f} us an event)")

    def jobs(self) -> None:
        """Two processes against one, start-up included, on a log that is worth two processes."""
        path = self.directory / "long.jsonl"
        audit_log.write(path, self.events, QUIET, repeats=_LONG)
        build_here = functools.partial(build, self.path)

        def run(jobs: int) -> None:
            output = dispatcher()
            pipeline = Pipeline(AuditSource(Config(), str(path)), *build_here(), output, print)
            if jobs == 1:
                pipeline.run()
            else:
                run_jobs(pipeline, build_here, jobs=jobs)
            output.close()

        one, two = interleaved(self.rounds, lambda: run(1), lambda: run(2))
        path.unlink()
        print(
            f"{_LONG * self.events:,} events: --jobs 2 is {ratio(one, two):.2f} x --jobs 1 ({statistics.median(one):.2f} s, with start-up)"
        )

    def memory(self) -> None:
        """The largest size of a process that scans more than 2 GB."""
        path = self.log_of(BUSY)
        times = 2 * 10**9 // path.stat().st_size + 1
        command = [sys.executable, __file__, "--rules", str(self.path), "--child", str(path), str(times)]
        sizes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{times * path.stat().st_size / 1e9:.1f} GB: {sizes[0]} MB after the first pass, {sizes[-1]} MB after the last"
        )

    def start(self) -> None:
        """From the start of the command to its first alert."""
        command = [sys.executable, "-m", "falco", "scan", "-r", str(self.path), str(self.log_of(BUSY))]
        took = []
        for _ in range(self.rounds):
            start = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                took.append(time.perf_counter() - start)
                process.kill()
            assert line, f"no alert from {command}"
        print(f"first alert after {statistics.median(took):.2f} s")


def largest_size_mb() -> int:
    """The largest size so far of this process alone: Linux hands ``ru_maxrss`` on to a child, from before its exec."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return int(found[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def child(path: str, times: str, rules: Path) -> None:
    """Scan, and print the largest size in MB after each pass."""
    source = Repeated(Path(path), int(times))
    scan(source, ruleset(load(rules)))
    print(json.dumps(source.after))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=Path, default=PACKAGED_RULES, help="rule file (default: the packaged one)")
    parser.add_argument("--events", type=int, default=100_000, help="events a log")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="processor time, on a machine with other work to do")
    names = ["log", "many", "interpreter", "jobs", "memory", "start"]
    parser.add_argument("--only", default=",".join(names), help=f"some of {','.join(names)}")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.rules)
        return
    with tempfile.TemporaryDirectory() as directory:
        clock = time.process_time if options.cpu else time.perf_counter
        bench = Bench(options.rules, options.events, options.rounds, Path(directory), clock)
        for name in options.only.split(","):
            getattr(bench, name)()


if __name__ == "__main__":
    main()
