import pytest
from structlog.testing import capture_logs

from falco import RuleFile
from falco.cli import rules_files
from falco.errors import RuleError


class Shipped:
    """A manager of plugins that ship two files."""

    def __init__(self, folder):
        for name in ("one.yaml", "two.yaml"):
            (folder / name).write_bytes(name.encode())
        self.files = {name: RuleFile(name, folder / name) for name in ("one.yaml", "two.yaml")}

    def rule_files(self):
        return self.files


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    return Shipped(folder)


@pytest.fixture
def cwd(tmp_path):
    for name in ("d/b.yaml", "d/a.yml", "d/c.txt", "d/sub/e.yaml", "r.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def names(found):
    return [text.name for text in found]


def test_a_directory_is_its_yaml_files_sorted_and_not_those_below(shipped, cwd):
    assert names(rules_files.read_all(["d", "r.yaml"], shipped, cwd)) == ["d/a.yml", "d/b.yaml", "r.yaml"]


def test_a_packaged_file_is_found_by_name(shipped, cwd):
    (found,) = rules_files.read_all(["packaged:two.yaml"], shipped, cwd)

    assert (found.name, found.data) == ("packaged:two.yaml", b"two.yaml")


def test_packaged_alone_is_all_of_them(shipped, cwd):
    assert names(rules_files.read_all(["packaged:"], shipped, cwd)) == ["packaged:one.yaml", "packaged:two.yaml"]


def test_an_unknown_packaged_file_says_which_there_are(shipped, cwd):
    with pytest.raises(RuleError, match=r"ships the rules file 'x' \(shipped: one\.yaml, two\.yaml\)"):
        list(rules_files.read_all(["packaged:x"], shipped, cwd))


def test_a_missing_file_is_an_error_in_falcos_words(shipped, cwd):
    with pytest.raises(RuleError, match="Could not open file nope.yaml for reading"):
        list(rules_files.read_all(["nope.yaml"], shipped, cwd))


def test_a_directory_in_place_of_a_file_is_an_error(cwd):
    with pytest.raises(RuleError, match="Could not read file d: "):
        rules_files.read("d", cwd)


def test_what_falco_yaml_lists_and_is_not_there_is_passed_over_and_said(shipped, cwd):
    with capture_logs() as lines:
        found = rules_files.configured(["nope.yaml", "r.yaml", "packaged:"], shipped, cwd)

    assert found == ["r.yaml", "packaged:"]
    assert [line["event"].splitlines()[1:] for line in lines] == [["nope.yaml"]]


def test_nothing_is_said_where_all_that_falco_yaml_lists_is_there(shipped, cwd):
    with capture_logs() as lines:
        rules_files.configured(["d", "r.yaml"], shipped, cwd)

    assert lines == []


def test_nothing_at_all_is_an_error_that_names_what_is_installed(shipped, cwd):
    with pytest.raises(RuleError, match=r"You must specify at least one rules file.*-r packaged:one\.yaml"):
        rules_files.configured(["nope.yaml"], shipped, cwd)
