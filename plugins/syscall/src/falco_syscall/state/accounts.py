"""Users and groups: names for numbers, for the host and for each container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from falco_syscall.capture import Group, User, UserList
from falco_syscall.state.paths import ABSENT

HOST: Final = ""
_MOST_CONTAINERS: Final = 10_000
_MOST_ACCOUNTS: Final = 100_000
"""Of one container; of further ones the oldest are forgotten."""
_Account = TypeVar("_Account")


class Accounts:
    """The accounts of the host (container "") and of the containers."""

    def __init__(self) -> None:
        self._users: dict[str, dict[int, User]] = {}
        self._groups: dict[str, dict[int, Group]] = {}

    def load(self, users: Iterable[User], groups: Iterable[Group]) -> None:
        """Take over the accounts of the host."""
        self._users[HOST] = {user.uid: user for user in users}
        self._groups[HOST] = {group.gid: group for group in groups}

    def listed(self, container_id: str = HOST) -> UserList:
        """The accounts of the host, or of a container."""
        users, groups = self._users.get(container_id, {}), self._groups.get(container_id, {})
        return UserList(tuple(users.values()), tuple(groups.values()))

    def containers(self) -> list[str]:
        """The containers that have accounts of their own."""
        return [key for key in dict.fromkeys((*self._users, *self._groups)) if key != HOST]

    def listed_user(self, container_id: str, uid: int) -> User | None:
        """The account of a user number; None if nothing lists it."""
        return self._users.get(container_id, {}).get(uid)

    def user(self, container_id: str, uid: int) -> User | None:
        """The account of a user number; root is always known, with no more than a name and a home."""
        found = self.listed_user(container_id, uid)
        return User(0, 0, "root", "/root", ABSENT) if found is None and uid == 0 else found

    def listed_group(self, container_id: str, gid: int) -> Group | None:
        """The account of a group number; None if nothing lists it."""
        return self._groups.get(container_id, {}).get(gid)

    def group(self, container_id: str, gid: int) -> Group | None:
        """The account of a group number; root is always known."""
        found = self.listed_group(container_id, gid)
        return Group(0, "root") if found is None and gid == 0 else found

    def add_user(self, container_id: str, user: User) -> None:
        """Remember a user."""
        _put(self._of(self._users, container_id), user.uid, user)

    def remove_user(self, container_id: str, uid: int) -> None:
        """Forget a user."""
        self._users.get(container_id, {}).pop(uid, None)

    def add_group(self, container_id: str, group: Group) -> None:
        """Remember a group."""
        _put(self._of(self._groups, container_id), group.gid, group)

    def remove_group(self, container_id: str, gid: int) -> None:
        """Forget a group."""
        self._groups.get(container_id, {}).pop(gid, None)

    def forget(self, container_id: str) -> None:
        """Forget the accounts of a container that has ended."""
        if container_id != HOST:
            self._users.pop(container_id, None)
            self._groups.pop(container_id, None)

    @staticmethod
    def _of(tables: dict[str, dict[int, _Account]], container_id: str) -> dict[int, _Account]:
        if container_id not in tables and len(tables) >= _MOST_CONTAINERS:
            del tables[next(key for key in tables if key != HOST)]
        return tables.setdefault(container_id, {})


def _put(table: dict[int, _Account], number: int, account: _Account) -> None:
    table[number] = account
    if len(table) > _MOST_ACCOUNTS:
        del table[next(iter(table))]
