"""Versions of the engine and of plugins."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_VERSION: Final = re.compile(r"\s*(\d+)\.(\d+)\.(\d+)")


class Version(NamedTuple):
    """``major.minor.patch``; compares as versions do."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version that *text* starts with (``-rc1`` and the like are ignored); None if it starts with none.

        upstream: sinsp_version reads three unsigned numbers of 32 bits, which wrap around.
        """
        found = _VERSION.match(text)
        if found is None:
            return None
        major, minor, patch = (int(digits[-20:]) % 2**32 for digits in found.groups())
        return cls(major, minor, patch)

    def satisfies(self, required: Version) -> bool:
        """Whether this version can stand in for *required*: the same major version, not older."""
        return self.major == required.major and self >= required

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


ENGINE_VERSION: Final = Version(0, 63, 0)
"""The version of Falco's rule engine whose language this is."""
