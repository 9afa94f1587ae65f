"""A configuration, read: settings, sections of output channels, files, and what was passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from falco.config import check
from falco.config.convert import Converter, unknown_key
from falco.config.merge import ConfigFile, Merged, Problem, merge
from falco.config.settings import Settings
from falco.documents.nodes import MappingNode, ScalarNode, SequenceNode
from falco.errors import ConfigError

OUTPUT_SUFFIX = "_output"
"""Sections of output channels are called ``<name>_output``."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What falco.yaml, the files it includes and the command line say together."""

    settings: Settings
    outputs: Mapping[str, Struct]
    """Sections of output channels, by channel; each knows whether it is ``enabled``."""
    merged: Merged
    problems: tuple[Problem, ...]
    """What was passed over, in order."""

    @property
    def files(self) -> tuple[ConfigFile, ...]:
        """The files that were read, the main one first."""
        return self.merged.files

    def schema_status(self, file: str) -> str:
        """``ok`` or ``failed``: whether everything in *file* could be used as it stands."""
        return "failed" if any(problem.span.file == file for problem in self.problems) else "ok"


def load(
    main: ConfigFile,
    options: Sequence[str],
    *,
    output_types: Mapping[str, type[Struct]],
    cwd: Path,
    env: Mapping[str, str],
) -> Configuration:
    """Read *main* with what it includes and *options* (``key=value``) on top.

    Args:
        main: The main configuration file.
        options: What ``-o`` says, in order.
        output_types: The sections of output channels that are installed, by channel.
        cwd: Where relative names of included files start.
        env: Environment variables for ``${NAME}``.

    Raises:
        ConfigError: A file, an option or a value cannot be used.
    """
    merged = merge(main, options, cwd=cwd, env=env)
    converter = Converter(main.name, problems=list(merged.problems))
    root = _without_alias(merged.root, main.name, converter.problems)
    own, sections = _split(root, output_types, converter.problems)
    settings = converter.struct(own, Settings)
    outputs = {name: converter.struct(section, output_types[name], name + OUTPUT_SUFFIX) for name, section in sections}
    converter.problems.extend(check.removed_keys(root))
    converter.problems.extend(check.idle_keys(root, settings))
    return Configuration(settings, outputs, replace(merged, root=root), tuple(converter.problems))


def _without_alias(root: MappingNode, main: str, problems: list[Problem]) -> MappingNode:
    """*root* with the deprecated ``rules_file`` under its present name."""
    old = root.get("rules_file")
    if old is None:
        return root
    keys = (key for key, _ in root.pairs if isinstance(key, ScalarNode))
    key = next(key for key in keys if key.text == "rules_file")
    problems.append(
        Problem(
            key.span,
            "Using deprecated config key 'rules_file' (singular form). "
            "Please use new 'rules_files' config key (plural form).",
        )
    )
    if root.get("rules_files") is not None:
        raise ConfigError(f"Error reading config file ({main}): both 'rules_files' and 'rules_file' keys set")
    renamed = replace(key, text="rules_files")
    pairs = tuple((renamed if one is key else one, value) for one, value in root.pairs)
    return replace(root, pairs=pairs)


def _split(
    root: MappingNode, output_types: Mapping[str, type[Struct]], problems: list[Problem]
) -> tuple[MappingNode, list[tuple[str, MappingNode | SequenceNode | ScalarNode]]]:
    """The keys that core knows, and the sections of channels."""
    known = [*Settings.__struct_fields__, *(name + OUTPUT_SUFFIX for name in output_types)]
    pairs, sections, seen = [], dict[str, MappingNode | SequenceNode | ScalarNode](), set[str]()
    for key, value in root.pairs:
        name = key.text if isinstance(key, ScalarNode) else "?"
        if name in seen:
            problems.append(Problem(key.span, f"key '{name}' stands twice, the first one counts"))
        elif name in Settings.__struct_fields__:
            pairs.append((key, value))
        elif name.endswith(OUTPUT_SUFFIX) and name.removesuffix(OUTPUT_SUFFIX) in output_types:
            sections[name.removesuffix(OUTPUT_SUFFIX)] = value
        elif name not in check.REMOVED and not name.startswith("x-"):
            problems.append(Problem(key.span, _unknown(name, known)))
        seen.add(name)
    return replace(root, pairs=tuple(pairs)), list(sections.items())


def _unknown(name: str, known: Sequence[str]) -> str:
    if name in {"stdout_output", "file_output", "syslog_output", "program_output", "http_output"}:
        channel = name.removesuffix(OUTPUT_SUFFIX)
        return (
            f"'{name}' is ignored: no installed plugin has the output channel '{channel}' (pip install falco-core[all])"
        )
    return unknown_key(name, known)


def enabled(outputs: Mapping[str, Struct]) -> Iterator[str]:
    """The channels that are switched on."""
    return (name for name, section in outputs.items() if getattr(section, "enabled", False))
