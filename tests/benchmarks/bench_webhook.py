"""The audit webhook on loopback: events a second against ``json.loads``, nothing lost, and how late alerts are.

    python tests/benchmarks/bench_webhook.py [--events 100000] [--rate 5000] [--seconds 5]
    python tests/benchmarks/bench_webhook.py --minutes 10 [--rate 2000]

With ``--minutes`` it measures whether memory stays flat, and nothing else.

Clients are processes of their own, as API servers are. The receiver is the installed command with the packaged rules.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import audit_log

BATCH = 400
CLIENTS = 2
CONFIG = """\
engine: {kind: nodriver}
plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: "http://127.0.0.1:%d/k8s-audit"}]
rules_files: [%s]
stdout_output: {enabled: true}
log_stderr: true
log_syslog: false
log_level: warning
"""
MARKED = """\
- rule: Marked
  desc: An event of the measurement.
  condition: ka.verb = bench
  output: "sent at %ka.uri"
  priority: NOTICE
  source: k8s_audit
"""
PATIENCE_S = 60.0


class Receiver:
    """The command, listening."""

    def __init__(self, folder: Path, rules: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "falco.yaml").write_text(CONFIG % (self.port, rules))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "falco", "-v", "-c", "falco.yaml", "--enable-source", "k8s_audit"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + PATIENCE_S
        while not self._listens():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the receiver does not listen: {self.end()[1]}")
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self) -> tuple[str, str]:
        """What it wrote."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_S)


def bodies(path: Path) -> list[bytes]:
    """The log as requests of an API server."""
    lines = path.read_bytes().splitlines()
    batches = [lines[i : i + BATCH] for i in range(0, len(lines), BATCH)]
    head = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['
    return [head + b",".join(batch) + b"]}" for batch in batches]


def send(port: int, path: Path) -> None:
    """Post the whole log, a batch after the other; the process of a client."""
    made = bodies(path)
    print("ready", flush=True)
    sys.stdin.readline()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in made:
        connection.request("POST", "/k8s-audit", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the receiver answered {answer.status}")


def client(*arguments: str) -> subprocess.Popen[str]:
    """A client that is ready to begin."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--client", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def throughput(folder: Path, events: int) -> None:
    """Two clients as fast as they can."""
    log = folder / "audit.jsonl"
    audit_log.write(log, events // CLIENTS, 0.005)
    made = bodies(log)
    start = time.perf_counter()
    for _ in range(CLIENTS):
        for body in made:
            json.loads(body)
    parse_s = time.perf_counter() - start
    receiver = Receiver(folder, '"packaged:k8s_audit_rules.yaml"')
    clients = [client(str(receiver.port), str(log)) for _ in range(CLIENTS)]
    start = time.perf_counter()
    for process in clients:
        process.communicate("go\n", timeout=PATIENCE_S * 10)
    took_s = time.perf_counter() - start
    _, said = receiver.end()
    sent = events // CLIENTS * CLIENTS
    seen = re.search(r"Captured Events: (\d+)", said)
    lost = sent - int(seen[1]) if seen else sent
    failed = [process.returncode for process in clients if process.returncode]
    print(
        f"webhook: {sent / took_s:,.0f} events/s of {log.stat().st_size * CLIENTS / sent:,.0f} bytes, "
        f"{parse_s / took_s:.2f} x json.loads (wanted: 0.6), {lost} lost, {len(failed)} clients failed"
    )


def latency(folder: Path, rate: int, seconds: int) -> None:
    """From the posting of an event to its alert, at *rate* events a second, of which one in a batch is reported."""
    (folder / "marked.yaml").write_text(MARKED)
    receiver = Receiver(folder, "marked.yaml")
    log = folder / "quiet.jsonl"
    size = rate // 100
    audit_log.write(log, size, 0.0)
    filler = b",".join(log.read_bytes().splitlines())
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port)
    start = time.perf_counter()
    posted = []
    for number in range(seconds * 100):
        if (early_s := start + number / 100 - time.perf_counter()) > 0:
            time.sleep(early_s)
        event = {
            "kind": "Event",
            "auditID": str(number),
            "stage": "ResponseComplete",
            "verb": "bench",
            "requestURI": f"/{time.time_ns()}",
            "stageTimestamp": "2026-03-01T06:00:00.000000Z",
        }
        body = b'{"kind":"EventList","items":[' + filler + b"," + json.dumps(event).encode() + b"]}"
        connection.request("POST", "/k8s-audit", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        assert receiver.process.stdout is not None
        line = receiver.process.stdout.readline()
        posted.append((time.time_ns() - int(line.rpartition("/")[2])) / 1e6)
    took_s = time.perf_counter() - start
    receiver.end()
    cuts = statistics.quantiles(posted, n=100)
    print(
        f"latency: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms (wanted: 50) at "
        f"{len(posted) * (size + 1) / took_s:,.0f} events/s (asked: {rate:,})"
    )


def resident_mb(pid: int) -> float:
    """Memory that the process *pid* holds, as Linux tells."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def memory(folder: Path, rate: int, minutes: float) -> None:
    """What the receiver holds at a quarter, at half and at the end of *minutes*, each request with other events.

    A connection is kept for a while, as that of an API server is, and then made anew.
    """
    receiver = Receiver(folder, '"packaged:k8s_audit_rules.yaml"')
    read = threading.Thread(target=lambda: [None for _ in receiver.process.stdout or ()], daemon=True)
    read.start()
    lines = (line.strip() for line in audit_log.AuditLog(0.005).lines(sys.maxsize))
    head = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['
    marks = [minutes * 60 * share for share in (0.05, 0.25, 0.5, 0.75, 1.0)]
    start, sent, sizes = time.perf_counter(), 0, []
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port)
    while marks:
        if (early_s := start + sent / rate - time.perf_counter()) > 0:
            time.sleep(early_s)
        body = head + b",".join(itertools.islice(lines, BATCH)) + b"]}"
        connection.request("POST", "/k8s-audit", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        sent += BATCH
        if sent % (500 * BATCH) == 0:
            connection.close()
        if time.perf_counter() - start >= marks[0]:
            sizes.append(resident_mb(receiver.process.pid))
            print(f"memory: {sizes[-1]:.1f} MB after {marks.pop(0) / 60:.1f} min, {sent:,} events", flush=True)
    receiver.process.terminate()
    receiver.process.wait(PATIENCE_S)
    print(f"memory: grew by {sizes[-1] - sizes[1]:+.1f} MB from the first quarter to the end (wanted: 0)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5000, help="events a second when latency is measured")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=0, help="measure memory for so long, and nothing else")
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        send(int(options.client[0]), Path(options.client[1]))
        return
    with tempfile.TemporaryDirectory() as directory:
        if options.minutes:
            memory(Path(directory), options.rate, options.minutes)
            return
        throughput(Path(directory), options.events)
        latency(Path(directory), options.rate, options.seconds)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    print(f"load of the machine: {load:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
