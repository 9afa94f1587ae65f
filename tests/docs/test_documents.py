"""Documents are true: commands do what they show, YAML loads, links lead somewhere.

A block ``{code-block} yaml`` with a caption is a file of that name; blocks ``console`` are run in order, in the folder
of those files, and what they print is compared, ``…`` standing for anything (a line of its own: any lines). Blocks ``sh``
are for a person's machine and are not run.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from falco.documents import reader

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\S[^\n]*)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def blocks(path):
    for info, body in _FENCE.findall(path.read_text(encoding="utf-8")):
        caption, rest = "", []
        for line in body.splitlines(keepends=True):
            if line.startswith(":caption: ") and not rest:
                caption = line.removeprefix(":caption: ").strip()
            else:
                rest.append(line)
        yield info.removeprefix("{code-block} ").strip(), caption, "".join(rest)


def named(path):
    return str(path.relative_to(ROOT))


def transcript(body):
    """Pairs of a command and the lines that it prints."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def pattern(output):
    """What is printed, as a regular expression."""
    lines = (
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in output.splitlines()
    )
    return re.compile("".join(lines))


def follow(path, folder, environment, timeout_s=60):
    """Run every command of a document in *folder*, where its files are put; assert that it prints what is shown."""
    ran_any = False
    for info, caption, body in blocks(path):
        if caption:
            (folder / caption).write_text(body, encoding="utf-8")
        for command, output in transcript(body) if info == "console" else ():
            ran = subprocess.run(
                shlex.split(command),
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
            ran_any = True

            assert pattern(output).fullmatch(ran.stdout), f"$ {command}\n{ran.stdout}{ran.stderr}\n-- not --\n{output}"
    assert ran_any


@pytest.mark.parametrize("path", [d for d in DOCUMENTS if "```console" in d.read_text(encoding="utf-8")], ids=named)
def test_commands_print_what_is_shown(path, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TZ": "UTC",
        "PYTHONPATH": str(ROOT / "examples/falco-source-jsonl/src"),
    }
    if path.parent == ROOT:
        (tmp_path / "examples").symlink_to(ROOT / "examples")
    follow(path, tmp_path, environment)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_yaml_can_be_read(path):
    for info, caption, body in blocks(path):
        if info == "yaml":
            assert reader.read(body.encode(), caption or named(path)), "an empty block"


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_to_files(path):
    for target in _LINK.findall(re.sub(_FENCE, "", path.read_text(encoding="utf-8"))):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{target} is not there"
