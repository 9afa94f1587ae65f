"""The command line in this process, as recorded runs need it."""

import io
from dataclasses import dataclass
from pathlib import Path

from falco.cli import main

ENVIRONMENT = {"FALCO_HOSTNAME": "test-host", "TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def error(self):
        """The sentence behind ``Error:``, None when there is none."""
        _, mark, sentence = ("\n" + self.stderr).partition("\nError: ")
        return sentence.rstrip("\n") if mark else None


def falco(arguments, cwd, env=None):
    """Run ``falco ARGUMENTS`` in the folder *cwd* with the recorded environment and *env* on top."""
    stdout, stderr = io.BytesIO(), io.BytesIO()
    code = main(arguments, stdout=stdout, stderr=stderr, env=ENVIRONMENT | (env or {}), cwd=Path(cwd))
    return Result(code, _text(stdout), _text(stderr))


def _text(stream):
    return stream.getvalue().decode("utf-8", "surrogateescape")
