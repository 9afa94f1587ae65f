"""Finding installed plugins: entry points of the group ``falco.plugins``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from importlib_metadata import EntryPoint, entry_points

from falco.errors import PluginError

GROUP: Final = "falco.plugins"


@dataclass(frozen=True, slots=True)
class Found:
    """An installed plugin that could be imported; *module* holds its hooks, often a module."""

    name: str
    distribution: str
    version: str
    summary: str
    module: Any


@dataclass(frozen=True, slots=True)
class Broken:
    """An installed plugin that could not be imported; ``error`` has the sentence."""

    name: str
    error: PluginError


def installed(points: Iterable[EntryPoint] | None = None) -> Iterator[Found | Broken]:
    """All installed plugins, imported, by name.

    Args:
        points: Entry points in place of those of the environment.

    Raises:
        PluginError: Two distributions have a plugin of the same name.
    """
    owners: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=_place):
        distribution = _distribution(point)
        if point.name in owners:
            raise PluginError(
                f"found another plugin with name {point.name}: distributions '{owners[point.name]}' and "
                f"'{distribution}' both have it; uninstall one of them"
            )
        owners[point.name] = distribution
        yield _load(point, distribution)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def _place(point: EntryPoint) -> tuple[str, str]:
    return point.name, _distribution(point)


def _load(point: EntryPoint, distribution: str) -> Found | Broken:
    try:
        module: ModuleType = point.load()
    except Exception as error:  # noqa: BLE001  whatever an import raises, the sentence says whose import it was
        reason = f"{type(error).__name__}: {error}"
        return Broken(
            point.name,
            PluginError(
                f"plugin '{point.name}' of distribution '{distribution}' cannot be loaded ({point.value}): {reason}"
            ),
        )
    metadata = point.dist.metadata if point.dist is not None else None
    return Found(
        point.name,
        distribution,
        point.dist.version if point.dist is not None else "0.0.0",
        str(metadata["Summary"]) if metadata is not None and "Summary" in metadata else "",
        module,
    )
