import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.state.paths import concat, directory_of, filename_of, single_slashes


@pytest.mark.parametrize(
    ("base", "name", "path"),
    [
        ("/a/b/", "c", "/a/b/c"),
        ("/a/b", "c", "/a/bc"),
        ("/a/b/", "../../../c", "/c"),
        ("/a/b/", "/x/../y", "/y"),
        ("/a/b/", "", ""),
        ("", "//", "/"),
        ("", "/a//b///c/", "/a/b/c"),
        ("", "a/../b", "b"),
        ("", "foo/..", ""),
        ("/a/b/", "...", "/a/b/..."),
        ("/a", "../b", "/a../b"),
        ("<UNKNOWN>", "x", "<UNKNOWN>x"),
        ("rel/", "x/../../y", "y"),
    ],
)
def test_only_what_is_appended_is_normalised(base: str, name: str, path: str) -> None:
    assert concat(base, name) == path


def test_a_path_has_at_most_1023_bytes() -> None:
    assert concat("/" + "a" * 1018, "bbbb").endswith("abbbb")
    assert concat("/" + "a" * 1019, "bbbb") == "/DIR_TOO_LONG/FILENAME_TOO_LONG"
    assert concat("/" + "é" * 510, "bbbb") == "/DIR_TOO_LONG/FILENAME_TOO_LONG"


@given(st.text(alphabet="ab./é\udc80", max_size=60))
def test_an_absolute_path_is_normalised_once_and_for_all(name: str) -> None:
    path = concat("", "/" + name)

    assert concat("", path) == path
    assert not {"", ".", ".."} & set(path.split("/")[1:]) or path == "/"


@pytest.mark.parametrize(
    ("path", "directory", "filename"),
    [("/etc/passwd", "/etc", "passwd"), ("/x", "/", "x"), ("/a/b/", "/a/b/", "/a/b/"), ("x", "/", "/"), ("", "/", "/")],
)
def test_a_path_is_cut_at_its_last_slash(path: str, directory: str, filename: str) -> None:
    assert directory_of(path) == directory
    assert filename_of(path) == filename


def test_runs_of_slashes_become_one() -> None:
    assert single_slashes("//a////b/") == "/a/b/"
