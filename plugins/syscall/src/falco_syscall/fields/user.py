"""``user.*`` and ``group.*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from falco_syscall.fields.binding import of_thread, plain
from falco_syscall.state.paths import ABSENT
from falco_syscall.state.threads import NOBODY

if TYPE_CHECKING:
    from falco_syscall.capture import User
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent


def _account(read: Callable[[User], str]) -> Binder:
    def getter(event: SyscallEvent) -> str | None:
        thread = event.thread
        if thread is None:
            return None
        user = event.machine.accounts.user(thread.container_id, thread.uid)
        return ABSENT if user is None else read(user)

    return plain(getter)


def _login_name(event: SyscallEvent) -> str | None:
    thread = event.thread
    if thread is None:
        return None
    user = event.machine.accounts.user(thread.container_id, thread.loginuid)
    return ABSENT if user is None else user.name


def _group_name(event: SyscallEvent) -> str | None:
    thread = event.thread
    if thread is None:
        return None
    group = event.machine.accounts.group(thread.container_id, thread.gid)
    return ABSENT if group is None else group.name


BINDERS: Final[dict[str, Binder]] = {
    "user.uid": of_thread(lambda thread: thread.uid),
    "user.name": _account(lambda user: user.name),
    "user.homedir": _account(lambda user: user.home),
    "user.shell": _account(lambda user: user.shell),
    "user.loginuid": of_thread(lambda thread: -1 if thread.loginuid == NOBODY else thread.loginuid),
    "user.loginname": plain(_login_name),
    "group.gid": of_thread(lambda thread: thread.gid),
    "group.name": plain(_group_name),
}
