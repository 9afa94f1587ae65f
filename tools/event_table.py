"""Write the data files of ``falco_syscall.capture`` from an export of the kernel-event table.

    python tools/event_table.py EVENT_TABLE.json CONVERTER.json

The export lists what a driver release defines: events with their parameters, flag tables, types,
numbers of errors, signals and system calls, and how events of older releases become current ones.
The files written hold the same facts in a compact form, one record a line so that the difference
between two releases can be reviewed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "plugins/syscall/src/falco_syscall/capture"


def main(table_path: str, converter_path: str) -> None:
    table = json.loads(Path(table_path).read_text(encoding="utf-8"))
    converter = json.loads(Path(converter_path).read_text(encoding="utf-8"))
    write(
        "event_table.json",
        {
            "schema": table["meta"]["schema_version"],
            "api": table["meta"]["api_version"],
            "sizes": {name: kind["size"] for name, kind in table["types"].items()},
            "values": {name: flag_table(t) for name, t in table["flags_tables"].items()},
            "dynamic": {
                name: [[c["type"], c["fmt"]] for c in sorted(choices, key=lambda c: c["index"])]
                for name, choices in table["dynamic_params"].items()
            },
            "events": [event(e) for e in table["events"]],
        },
    )
    write("conversions.json", {"rules": [rule(r) for r in converter["rules"]]})
    write(
        "linux.json",
        {
            "errors": {name: int(n) for n, name in table["errno"].items()},
            "signals": {name: int(n) for n, name in table["signals"].items()},
            "syscalls": [table["ppm_sc"][str(n)] for n in range(len(table["ppm_sc"]))],
            **{
                arch: {n: syscall(s, table["events"]) for n, s in calls.items()}
                for arch, calls in table["syscalls"].items()
            },
            "ia32": table["ia32_to_x86_64"],
        },
    )


def flag_table(flags: dict[str, Any]) -> list[Any]:
    return [flags["render"], [[v["name"], v["value"]] for v in flags["values"]]]


def event(e: dict[str, Any]) -> list[Any]:
    category, *source = e["cat"]
    return [
        e["enum"].removeprefix("PPME_"),
        e["name"],
        e["dir"] == "E",
        category,
        source[0] if source else "",
        e["flags"],
        [param(p) for p in e["params"]],
    ]


def param(p: dict[str, Any]) -> list[Any]:
    # The fourth item refers to a table of values, a table of types or the descriptor parameter that
    # a path is relative to; the type says which.
    return [p["name"], p["type"], p["fmt"], *(p[k] for k in ("flags", "dyn", "dirfd") if k in p)]


def rule(r: dict[str, Any]) -> list[Any]:
    sources = [
        [p["from"], p.get("src", 0), p.get("else", "")] for p in sorted(r.get("params", ()), key=lambda p: p["param"])
    ]
    return [r["id"], r["nparams"], r["action"], r.get("to", r["id"]), sources]


def syscall(s: dict[str, Any], events: list[dict[str, Any]]) -> list[Any]:
    code = {e["enum"]: e["id"] for e in events}
    return [s["name"], s["ppm_sc"], code[s["exit"]], s["flags"]]


def write(name: str, content: dict[str, Any]) -> None:
    parts = []
    for key, value in content.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in value)
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
        elif isinstance(value, dict):
            lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in value.items())
            parts.append(f"{json.dumps(key)}: {{\n{lines}\n}}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    (TARGET / name).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{name}: {(TARGET / name).stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
