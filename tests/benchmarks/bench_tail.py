"""Whether the tail of an audit log keeps up with a writer of 50 MB/s.

    python tests/benchmarks/bench_tail.py [--rate 50] [--seconds 5]

The writer is a process of its own and appends at an even rate; how far the tail is behind when the writer has ended,
and how long it takes to catch up, is what is told.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import audit_log
from bench_k8s import PACKAGED_RULES, dispatcher, load, ruleset

from falco.pipeline import Pipeline
from falco_k8s_audit.config import Config
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.source import AuditSource

STEPS_A_SECOND = 50
PATIENCE_S = 120.0


def append(path: Path, sample: Path, rate: int, seconds: int) -> None:
    """Append whole lines of *sample*, over and over, at *rate* MB/s; the process of the writer."""
    lines = sample.read_bytes().splitlines(keepends=True)
    events, number, start = 0, 0, time.perf_counter()
    with path.open("ab", buffering=0) as file:
        for step in range(1, seconds * STEPS_A_SECOND + 1):
            block, size = [], 0
            while size < rate * 1e6 / STEPS_A_SECOND:
                block.append(lines[number % len(lines)])
                size += len(block[-1])
                number += 1
            file.write(b"".join(block))
            events += len(block)
            if (early_s := start + step / STEPS_A_SECOND - time.perf_counter()) > 0:
                time.sleep(early_s)
    print(events, time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=50, help="MB a second")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--writer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        append(Path(options.writer[0]), Path(options.writer[1]), options.rate, options.seconds)
        return
    with tempfile.TemporaryDirectory() as directory:
        path, sample = Path(directory, "audit.log"), Path(directory, "sample.jsonl")
        audit_log.write(sample, 20_000, 0.005)
        path.touch()
        source, decoder, output = AuditSource(Config(), f"file://{path}"), AuditDecoder(), dispatcher()
        pipeline = Pipeline(source, decoder, ruleset(load(PACKAGED_RULES)), output, print)
        thread = threading.Thread(target=pipeline.run, daemon=True)
        thread.start()
        time.sleep(1)  # the tail has to stand at the end of the file
        command = [sys.executable, __file__, "--writer", str(path), str(sample)]
        command += ["--rate", str(options.rate), "--seconds", str(options.seconds)]
        written, took_s = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        behind, ended_s = int(written) - decoder.count, time.perf_counter()
        while decoder.count < int(written) and time.perf_counter() - ended_s < PATIENCE_S:
            time.sleep(0.01)
        late_s = time.perf_counter() - ended_s
        size = path.stat().st_size
        source.close()
        thread.join()
        output.close()
    print(
        f"tail: {size / float(took_s) / 1e6:.0f} MB/s written (asked: {options.rate}), {int(written):,} events, "
        f"{behind:,} behind at the end, caught up {late_s:.2f} s later, {int(written) - decoder.count} lost"
    )


if __name__ == "__main__":
    main()
