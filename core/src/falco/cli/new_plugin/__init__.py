"""``falco plugin new``: a distribution that installs, runs and passes its tests, to be changed from there."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from falco.errors import FalcoError

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_MAX_NAME: Final = 40
_FILES: Final = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/{module}/__init__.py": "plugin.py.txt",
    "tests/test_{name}.py": "test_plugin.py.txt",
}
"""Where a file goes, and the template of it."""


def create(name: str, where: Path) -> Path:
    """Make the distribution of a plugin called *name*, which is its event source too, in the folder *where*.

    Returns:
        The folder that was made.

    Raises:
        FalcoError: The name cannot be one, the folder is there already, or it cannot be written.
    """
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise FalcoError(
            f"'{name}' cannot be the name of an event source: small letters, digits and single underscores, "
            f"beginning with a letter, at most {_MAX_NAME}"
        )
    values = {
        "name": name,
        "module": f"falco_source_{name}",
        "distribution": f"falco-source-{name.replace('_', '-')}",
    }
    root = where / values["distribution"]
    templates = files(__package__) / "template"
    try:
        root.mkdir(parents=True)
        for path, template in _FILES.items():
            text = Template((templates / template).read_text(encoding="utf-8")).substitute(values)
            file = root / path.format(**values)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise FalcoError(f"{root} is there already: choose another name, or another folder with --in") from None
    except OSError as error:
        raise FalcoError(f"{error.filename}: {error.strerror}") from error
    return root
