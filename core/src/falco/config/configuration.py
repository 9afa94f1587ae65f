"""A configuration, read: settings, sections of output channels, files, and what was passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct
from msgspec.inspect import StructType, type_info

from falco.config import check
from falco.config.convert import Converter, unknown_key
from falco.config.merge import ConfigFile, Merged, Problem, merge
from falco.config.settings import Extensions, Settings
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle
from falco.errors import ConfigError

OUTPUT_SUFFIX = "_output"
"""Sections of output channels are called ``<name>_output``."""


EXTENSIONS = "x-falco-py"
"""The key below which our own keys stand, so that Falco still reads the file."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What falco.yaml, the files it includes and the command line say together."""

    settings: Settings
    extensions: Extensions
    """Our own keys."""
    outputs: Mapping[str, Struct]
    """The output channels that are switched on, with their configuration."""
    merged: Merged
    problems: tuple[Problem, ...]
    """What was passed over, in order."""
    notes: tuple[Problem, ...] = ()
    """Keys that are well and have no effect here."""

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
    extensions = _extensions(root)
    ours = _own_extensions(root, converter)
    outputs = {}
    for name, section in sections.items():
        configured = _channel(name, section, extensions, output_types[name], converter)
        if configured is not None:
            outputs[name] = configured
    converter.problems.extend(check.removed_keys(root))
    notes = tuple(check.idle_keys(root, settings))
    return Configuration(settings, ours, outputs, replace(merged, root=root), tuple(converter.problems), notes)


def _channel(
    name: str, section: Node, extensions: Mapping[str, MappingNode], cls: type[Struct], converter: Converter
) -> Struct | None:
    """The configuration of the channel *name*; None when it is switched off."""
    path = name + OUTPUT_SUFFIX
    info = type_info(cls)
    rows = info.fields if isinstance(info, StructType) else ()
    known = [row.encode_name for row in rows]
    if not isinstance(section, MappingNode):
        converter.struct(section, _Switch, path)  # says what is wrong with it
        return None
    converter.check_keys(section, ["enabled", *known], path)
    switch = replace(section, pairs=tuple(pair for pair in section.pairs if _name(pair[0]) == "enabled"))
    if not converter.struct(switch, _Switch, path).enabled:
        return None
    extension = extensions.get(path)
    pairs = tuple(pair for pair in section.pairs if _name(pair[0]) in known)
    section = replace(section, pairs=pairs + (() if extension is None else extension.pairs))
    for row in rows:
        value = section.get(row.encode_name)
        if row.required and (value is None or (isinstance(value, ScalarNode) and not value.text.strip("'\""))):
            sentence = f"{name} output enabled but no {row.encode_name} in configuration block"
            raise ConfigError(f"Error reading config file ({converter.file}): {sentence}")
    return converter.struct(section, cls, path)


class _Switch(Struct):
    """What every section of a channel has; its other keys are the channel's business."""

    enabled: bool = False


def _own_extensions(root: MappingNode, converter: Converter) -> Extensions:
    """The keys below ``x-falco-py`` that are no sections of channels."""
    node = root.get(EXTENSIONS)
    if isinstance(node, MappingNode):
        node = replace(node, pairs=tuple(pair for pair in node.pairs if not _name(pair[0]).endswith(OUTPUT_SUFFIX)))
    return converter.struct(node, Extensions, EXTENSIONS)


def _extensions(root: MappingNode) -> dict[str, MappingNode]:
    """Sections below ``x-falco-py``."""
    node = root.get(EXTENSIONS)
    pairs = node.pairs if isinstance(node, MappingNode) else ()
    return {key.text: value for key, value in pairs if isinstance(key, ScalarNode) and isinstance(value, MappingNode)}


def _name(key: Node) -> str:
    return key.text if isinstance(key, ScalarNode) else ""


def _without_alias(root: MappingNode, main: str, problems: list[Problem]) -> MappingNode:
    """*root* with the deprecated ``rules_file`` under its present name."""
    key = next((key for key, _ in root.pairs if _name(key) == "rules_file"), None)
    if key is None:
        return root
    problems.append(
        Problem(
            key.span,
            "Using deprecated config key 'rules_file' (singular form). "
            "Please use new 'rules_files' config key (plural form).",
        )
    )
    if root.get("rules_files") is not None:
        raise ConfigError(f"Error reading config file ({main}): both 'rules_files' and 'rules_file' keys set")
    renamed = ScalarNode("rules_files", ScalarStyle.PLAIN, key.span)
    return replace(root, pairs=tuple((renamed if one is key else one, value) for one, value in root.pairs))


def _split(
    root: MappingNode, output_types: Mapping[str, type[Struct]], problems: list[Problem]
) -> tuple[MappingNode, dict[str, Node]]:
    """The keys that core knows, and the sections of channels by channel."""
    known = [*Settings.__struct_fields__, *(name + OUTPUT_SUFFIX for name in output_types)]
    pairs: list[tuple[Node, Node]] = []
    sections: dict[str, Node] = {}
    seen: set[str] = set()
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
    return replace(root, pairs=tuple(pairs)), sections


def _unknown(name: str, known: Sequence[str]) -> str:
    if name in {"stdout_output", "file_output", "syslog_output", "program_output", "http_output"}:
        channel = name.removesuffix(OUTPUT_SUFFIX)
        missing = f"no installed plugin has the output channel '{channel}'"
        return f"'{name}' is ignored: {missing} (pip install falco-core[all])"
    return unknown_key(name, known)
