"""Which event types a live capture delivers."""

import pytest

from falco_syscall.catalogue.selection import selected

OFFICIAL = {
    *("accept", "accept4", "bpf", "chmod", "connect", "creat", "dup", "dup2", "dup3", "execve", "execveat", "fchmod"),
    *("fchmodat", "finit_module", "init_module", "link", "linkat", "listen", "mkdir", "mkdirat", "open", "openat"),
    *("openat2", "ptrace", "recvfrom", "recvmsg", "rename", "renameat", "renameat2", "rmdir", "sendmsg", "sendto"),
    *("setns", "setuid", "socket", "symlink", "symlinkat", "unlink", "unlinkat", "unshare", "userfaultfd"),
}
"""What upstream's rules ask for."""
OPENS = {"open", "openat", "openat2"}


def test_by_default_rules_get_what_they_ask_for_and_state_what_it_needs() -> None:
    found = selected(OPENS)

    assert found >= OPENS | {"clone", "execve", "chroot", "close", "connect", "prlimit", "setrlimit", "procexit"}
    assert not found & {"read", "write", "bpf", "setns", "getcwd", "unlink"}


def test_as_many_are_selected_for_the_official_rules_as_by_falco() -> None:
    # Falco counts five, and four, calls that only 32-bit programs have.
    assert (len(selected(OFFICIAL)), len(selected(OFFICIAL, repair=True))) == (92 - 5, 63 - 4)


def test_calls_that_only_move_data_are_left_out_unless_all_is_set() -> None:
    asked = {"read", "write", "sendfile", "recvfrom", "unlink"}

    assert selected(asked) & asked == {"recvfrom", "unlink"}
    assert selected(asked, everything=True) >= asked
    assert selected(asked, ["read"]) & asked == {"recvfrom", "unlink"}


def test_all_adds_nothing_that_nobody_asked_for() -> None:
    assert selected(OPENS, everything=True) == selected(OPENS)


def test_a_custom_set_takes_the_place_of_what_state_needs() -> None:
    containers = {"clone", "clone3", "fork", "vfork", "execve", "execveat", "chroot"}

    assert selected(OPENS, ["close", "prlimit64"]) == OPENS | containers | {"close", "prlimit", "procexit"}


def test_names_with_an_exclamation_mark_are_left_out_even_of_rules_but_the_end_of_processes_never_is() -> None:
    assert selected(OPENS) - selected(OPENS, ["!openat", "!dup", "!procexit"]) == {"openat", "dup"}


def test_repair_adds_the_least_that_the_process_table_needs() -> None:
    found = selected({"chmod"}, repair=True)

    assert found >= {"chmod", "clone", "execve", "setuid", "prctl", "setpgid", "close", "procexit"}
    assert not found & {"open", "socket", "dup", "bind"}


@pytest.mark.parametrize(
    ("asked", "added"),
    [("connect", {"socket", "getsockopt", "close"}), ("accept4", {"socket", "bind"}), ("unlink", {"close"})],
)
def test_repair_adds_what_makes_descriptors_known(asked: str, added: set[str]) -> None:
    assert selected({asked}, repair=True) >= added
    assert not selected({"kill"}, repair=True) & added


def test_repair_of_a_custom_set_takes_back_what_the_process_table_needs() -> None:
    assert "clone" not in selected(OPENS, ["!clone"])
    assert "clone" in selected(OPENS, ["!clone"], repair=True)
