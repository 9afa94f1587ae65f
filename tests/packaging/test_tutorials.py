"""The tutorials, followed to the letter where nothing but the wheels is installed."""

import os
import shlex
import subprocess

import pytest
from docs.test_documents import ROOT, blocks, named, pattern, transcript

TUTORIALS = [path for path in sorted((ROOT / "docs/tutorial").glob("*.md")) if "```console" in path.read_text("utf-8")]
pytestmark = [pytest.mark.wheels, pytest.mark.timeout(600)]


@pytest.mark.parametrize("path", TUTORIALS, ids=named)
def test_a_tutorial_can_be_followed_with_the_wheels_alone(everything, path, tmp_path):
    environment = {"PATH": f"{everything.folder / 'bin'}{os.pathsep}{os.defpath}", "TZ": "UTC", "HOME": str(tmp_path)}
    ran_any = False
    for info, caption, body in blocks(path):
        if caption:
            (tmp_path / caption).write_text(body, encoding="utf-8")
        for command, output in transcript(body) if info == "console" else ():
            ran = subprocess.run(
                shlex.split(command),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            ran_any = True

            assert pattern(output).fullmatch(ran.stdout), f"$ {command}\n{ran.stdout}{ran.stderr}\n-- not --\n{output}"
    assert ran_any
