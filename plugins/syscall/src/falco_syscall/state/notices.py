"""Events that tell of containers and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture import Group, User
from falco_syscall.state.containers import read_container

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine


def _asynchronous(machine: Machine, event: SyscallEvent) -> None:
    container = read_container(event.text(2))
    if container is None:
        return
    if event.text(1) == "container":
        machine.containers.add(container)
    elif event.text(1) == "container_removed":
        machine.forget_container_later(container.id)


def _container(machine: Machine, event: SyscallEvent) -> None:
    container = read_container(event.text(0))
    if container is not None:
        machine.containers.add(container)


def _user_added(machine: Machine, event: SyscallEvent) -> None:
    user = User(event.number(0), event.number(1), event.text(2), event.text(3), event.text(4))
    machine.accounts.add_user(event.text(5), user)


def _user_deleted(machine: Machine, event: SyscallEvent) -> None:
    machine.accounts.remove_user(event.text(5), event.number(0))


def _group_added(machine: Machine, event: SyscallEvent) -> None:
    machine.accounts.add_group(event.text(2), Group(event.number(0), event.text(1)))


def _group_deleted(machine: Machine, event: SyscallEvent) -> None:
    machine.accounts.remove_group(event.text(2), event.number(0))


HANDLERS: Final[dict[str, Handler]] = {
    "ASYNCEVENT_E": _asynchronous,
    "CONTAINER_JSON_2_E": _container,
    "USER_ADDED_E": _user_added,
    "USER_DELETED_E": _user_deleted,
    "GROUP_ADDED_E": _group_added,
    "GROUP_DELETED_E": _group_deleted,
}
