from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recorded(request: pytest.FixtureRequest) -> Path:
    """Folder of the recorded answers about captures: ``--oracle DIR``, else ``shared/oracle`` beside the project."""
    given = request.config.getoption("--oracle", None)
    places = [Path(given)] if given else [p / "shared/oracle" for p in Path(__file__).parents]
    for place in places:
        if (place / "syscall").is_dir():
            return place / "syscall"
    pytest.skip(f"no recorded answers in {places[0]}: get them with the project's data, or say --oracle DIR")


@pytest.fixture(scope="session")
def spec() -> Path:
    """Folder with the export of the event table."""
    for parent in Path(__file__).parents:
        if (parent / "shared/spec/event_table.json").is_file():
            return parent / "shared/spec"
    pytest.skip("the export of the event table is not there")
