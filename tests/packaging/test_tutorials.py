"""The tutorials, followed to the letter where nothing but the wheels is installed."""

import os

import pytest
from docs.test_documents import ROOT, follow, named

TUTORIALS = [path for path in sorted((ROOT / "docs/tutorial").glob("*.md")) if "```console" in path.read_text("utf-8")]
pytestmark = [pytest.mark.wheels, pytest.mark.timeout(600)]


@pytest.mark.parametrize("path", TUTORIALS, ids=named)
def test_a_tutorial_can_be_followed_with_the_wheels_alone(everything, path, tmp_path):
    environment = {"PATH": f"{everything.folder / 'bin'}{os.pathsep}{os.defpath}", "TZ": "UTC", "HOME": str(tmp_path)}
    follow(path, tmp_path, environment, timeout_s=120)
