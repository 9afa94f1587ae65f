"""Working directories and roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.state.paths import as_directory, concat

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine
    from falco_syscall.state.threads import Thread


def _move(thread: Thread | None, path: str) -> None:
    """Change the working directory of a process.

    A relative path starts from the process' directory. (Falco: from the thread's, which only the main thread has.)
    """
    main = thread.main if thread is not None else None
    if main is not None:
        main.cwd = as_directory(concat(main.cwd, path))


def _chdir(_machine: Machine, event: SyscallEvent) -> None:
    if not event.failed:
        _move(event.thread, event.path(1))


def _fchdir(_machine: Machine, event: SyscallEvent) -> None:
    if not event.failed and event.fd is not None:
        _move(event.thread, event.fd.name)


def _chroot(machine: Machine, event: SyscallEvent) -> None:
    thread = event.thread
    if event.result == 0 and thread is not None:
        thread.root = concat(thread.directory, event.path(1))
        thread.container_id = machine.containers.find(thread.cgroups)


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_CHDIR_X": _chdir,
    "SYSCALL_GETCWD_X": _chdir,
    "SYSCALL_FCHDIR_X": _fchdir,
    "SYSCALL_CHROOT_X": _chroot,
}
