"""Finding and reading rules files: ``rules_files``, ``-r``, ``-V``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from falco.documents import files
from falco.documents.nearby import nearest
from falco.errors import RuleError
from falco.plugins.manager import PluginManager
from falco.plugins.rulefiles import PACKAGED, RuleFile

_log = structlog.get_logger(__name__)
_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class RulesText:
    """A rules file, read; *name* as messages show it."""

    name: str
    data: bytes = field(repr=False)


def configured(names: Sequence[str], manager: PluginManager, cwd: Path) -> list[str]:
    """The names of *names* that lead to a file or a directory, as ``rules_files`` of falco.yaml is read.

    The log names the others.

    Raises:
        RuleError: None does.
    """
    found = [name for name in names if name.startswith(PACKAGED) or (name and _exists(cwd / name))]
    if missing := [name for name in names if name not in found]:
        _log.info("\n".join(("Rules files of falco.yaml that do not exist, passed over:", *missing)))
    if not found:
        shipped = ", ".join(f"-r {PACKAGED}{name}" for name in manager.rule_files())
        hint = f" (installed: {shipped})" if shipped else ""
        raise RuleError(
            f"You must specify at least one rules file/directory via -r or a rules_file entry in falco.yaml{hint}"
        )
    return found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be looked into: whoever reads it says so
        return True


def read_all(names: Iterable[str], manager: PluginManager, cwd: Path) -> Iterator[RulesText]:
    """The files behind *names*: a file, a directory (its ``.yaml`` and ``.yml`` files, sorted), ``packaged:NAME``.

    Raises:
        RuleError: One cannot be read.
    """
    for name in expanded(names, cwd):
        if name.startswith(PACKAGED):
            for file in _packaged(name, manager):
                yield RulesText(PACKAGED + file.name, file.read())
        else:
            yield read(name, cwd)


def expanded(names: Iterable[str], cwd: Path) -> tuple[str, ...]:
    """*names*, with its rules files, sorted, in place of each directory.

    Raises:
        RuleError: A directory cannot be read.
    """
    found: list[str] = []
    for name in names:
        if name.startswith(PACKAGED):
            found.append(name)
            continue
        try:
            if not (cwd / name).is_dir():
                found.append(name)
                continue
            paths = sorted((cwd / name).iterdir())
        except OSError as error:
            raise RuleError(f"Could not read {name}: {error.strerror}") from None
        found += [f"{name.rstrip('/')}/{path.name}" for path in paths if path.suffix in _SUFFIXES and path.is_file()]
    return tuple(found)


def read(name: str, cwd: Path) -> RulesText:
    """The rules file *name*.

    Raises:
        RuleError: It does not exist, is a directory or cannot be read.
    """
    try:
        return RulesText(name, files.read_bytes(cwd / name))
    except FileNotFoundError:
        raise RuleError(f"Could not open file {name} for reading{nearest(cwd / name)}") from None
    except OSError as error:
        raise RuleError(f"Could not read file {name}: {error.strerror}") from None


def _packaged(name: str, manager: PluginManager) -> list[RuleFile]:
    files = manager.rule_files()
    wanted = name.removeprefix(PACKAGED)
    if not wanted:
        return list(files.values())
    if wanted not in files:
        known = ", ".join(files) or "none"
        raise RuleError(f"no installed plugin ships the rules file '{wanted}' (shipped: {known})")
    return [files[wanted]]
