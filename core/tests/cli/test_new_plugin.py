"""What ``falco plugin new`` makes; that it installs and passes its tests is shown in tests/packaging."""

import ast
import tomllib

import pytest

from falco import FalcoError
from falco.cli.new_plugin import create


def test_the_distribution_is_whole_and_small(tmp_path):
    root = create("door_log", tmp_path)
    module = root / "src" / "falco_source_door_log" / "__init__.py"

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert root.name == project["name"] == "falco-source-door-log"
    assert project["entry-points"]["falco.plugins"] == {"door_log": "falco_source_door_log"}
    assert len(module.read_text().splitlines()) <= 30
    for path in (module, root / "tests" / "test_door_log.py"):
        ast.parse(path.read_text())
    assert not [path for path in root.rglob("*") if path.is_file() and "$" in path.read_text()]


@pytest.mark.parametrize("name", ["", "Door", "1door", "door-log", "door__log", "door_", "a" * 41, "../x", "a.b"])
def test_a_name_that_cannot_be_one_is_an_error(tmp_path, name):
    with pytest.raises(FalcoError, match="cannot be the name of an event source"):
        create(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_alone(tmp_path):
    (tmp_path / "falco-source-door").mkdir()
    with pytest.raises(FalcoError, match="is there already"):
        create("door", tmp_path)
    assert list((tmp_path / "falco-source-door").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FalcoError, match="Not a directory"):
        create("door", tmp_path / "file")
