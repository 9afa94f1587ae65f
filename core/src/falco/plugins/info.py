"""What a plugin says about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from falco.errors import PluginError

API_VERSION: Final = (1, 0)
"""Version of the interface between the program and its plugins: hooks and base classes. The second number grows
with what is added, the first with what breaks plugins."""

_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+.a-zA-Z0-9]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """Returned by the hook ``falco_plugin_info``.

    A plugin without that hook gets one made of its distribution's metadata.
    """

    name: str
    """Name of the plugin, as its entry point has it."""
    version: str
    """``x.y.z``."""
    description: str = ""
    contact: str = ""
    id: int = 0
    """Number that the registry of Falco gives to plugins with an event source; 0 = none."""
    api_versions: tuple[tuple[int, int], tuple[int, int]] = (API_VERSION, (API_VERSION[0] + 1, 0))
    """The interface that the plugin was written for: from the first version up to but excluding the second."""
    provides: Mapping[str, str] = field(default_factory=dict)
    """Plugins of Falco that this one stands for, with the version it equals; they answer
    ``required_plugin_versions`` and name the plugin in ``load_plugins`` and ``library_path``."""
    fields_only: frozenset[str] = frozenset()
    """Those of ``provides`` that bring fields but open no event source."""

    def __post_init__(self) -> None:
        for name, version in {self.name: self.version, **self.provides}.items():
            if not _VERSION.fullmatch(version):
                raise PluginError(f"plugin '{self.name}' provided an invalid version string for '{name}': '{version}'")

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a configuration may use for the plugin."""
        return tuple(dict.fromkeys((self.name, *self.provides)))

    def check_api(self) -> None:
        """Refuse a plugin that was written for another interface.

        Raises:
            PluginError: ``API_VERSION`` is not in ``api_versions``.
        """
        first, behind = self.api_versions
        if not first <= API_VERSION < behind:
            raise PluginError(
                f"plugin '{self.name}' {self.version} needs plugin API version {_text(first)} up to but excluding "
                f"{_text(behind)}, this is {_text(API_VERSION)}: install versions that fit together"
            )


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
