from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recorded(oracle: Path) -> Path:
    """Folder of the recorded answers about captures."""
    if not (oracle / "syscall").is_dir():
        pytest.skip(f"no recorded captures: {oracle / 'syscall'} is not a folder")
    return oracle / "syscall"


@pytest.fixture(scope="session")
def spec(oracle: Path) -> Path:
    """Folder with the export of the event table, beside the recorded answers."""
    if not (oracle.parent / "spec/event_table.json").is_file():
        pytest.skip(f"no export of the event table in {oracle.parent / 'spec'}")
    return oracle.parent / "spec"
