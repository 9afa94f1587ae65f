"""The wheels, and virtual environments of their own, with no path to this tree."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
DISTRIBUTIONS = {
    "falco-core": TREE / "core",
    "falco-k8s-audit": TREE / "plugins/k8s_audit",
    "falco-outputs": TREE / "plugins/outputs",
    "falco-syscall": TREE / "plugins/syscall",
    "falco-rules": TREE / "rules",
    "falco-source-jsonl": TREE / "examples/falco-source-jsonl",
}
_PIP = ("-m", "pip", "-qqq", "--disable-pip-version-check")
_KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "LANG")


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty directory to run things in."""

    folder: Path
    cwd: Path

    @classmethod
    def made(cls, folder, requirements):
        """A fresh environment with *requirements* installed."""
        made = cls(folder / "venv", folder / "elsewhere")
        made.cwd.mkdir()
        subprocess.run([sys.executable, "-m", "venv", made.folder], check=True)
        subprocess.run(
            [made._script("python"), *_PIP, "install", "--no-compile", *map(str, requirements)],
            check=True,
            cwd=made.cwd,
        )
        return made

    def _script(self, name):
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin") / name

    def python(self, *arguments):
        """``python -I`` with *arguments*: no directory of ours, no variable that names one."""
        return self._run(self._script("python"), "-I", *arguments)

    def falco(self, *arguments):
        """The console script."""
        return self._run(self._script("falco"), *arguments)

    def _run(self, *command):
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return subprocess.run(
            command, cwd=self.cwd, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
        )


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """The wheel of each distribution, by its name."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, *_PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run([*map(str, build), *map(str, DISTRIBUTIONS.values())], check=True)
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def everything(tmp_path_factory, wheels):
    """An environment with all distributions, the example, and pytest."""
    return Environment.made(tmp_path_factory.mktemp("everything"), [*wheels.values(), "pytest"])


@pytest.fixture(scope="session")
def core_alone(tmp_path_factory, wheels):
    """An environment with falco-core and nothing else of ours."""
    return Environment.made(tmp_path_factory.mktemp("core"), [wheels["falco-core"]])
