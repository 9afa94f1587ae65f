import os

import pytest

from falco.cli.watch import Watch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("one")
    return tmp_path


def settled(watch):
    """Asked until it has had the time to be sure."""
    return watch.has_changed() or watch.has_changed()


def test_nothing_changes_by_itself(place):
    watch = Watch([place / "f", place / "d", place / "missing"])

    assert not settled(watch)


def test_a_change_counts_once_it_is_quiet(place):
    watch = Watch([place / "f"])
    (place / "f").write_text("two, longer")

    assert [watch.has_changed() for _ in range(3)] == [False, True, False]


def test_a_file_that_goes_on_changing_is_waited_for(place):
    watch = Watch([place / "f"])
    seen = []
    for size in range(10, 14):
        (place / "f").write_text("x" * size)
        seen.append(watch.has_changed())

    assert seen == [False] * 4
    assert watch.has_changed()


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "d" / "new").write_text("x"),
        lambda place: (place / "f").unlink(),
        lambda place: (place / "missing").write_text("x"),
    ],
)
def test_files_that_come_and_go_are_changes(place, change):
    watch = Watch([place / "f", place / "d", place / "missing"])
    change(place)

    assert settled(watch)


def test_a_link_that_is_switched_over_is_a_change(place):
    for name in ("old", "new"):
        (place / name).mkdir()
        (place / name / "rules").write_text("same size")
        os.utime(place / name / "rules", (1, 1))
    link = place / "link"
    link.symlink_to(place / "old")
    watch = Watch([link / "rules"])
    other = place / "other"
    other.symlink_to(place / "new")
    other.replace(link)

    assert settled(watch)


def test_a_directory_below_does_not_count(place):
    (place / "d" / "sub").mkdir()
    watch = Watch([place / "d"])
    (place / "d" / "sub" / "file").write_text("x")

    assert not settled(watch)
