"""A configuration, read: settings, sections of output channels, files, and what was passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import fields

from falco.config import check, paths
from falco.config.convert import Converter
from falco.config.merge import EXTENSIONS, ConfigFile, Merged, merge
from falco.config.places import Findings, PlacedError, Problem, place, with_excerpt
from falco.config.rows import struct_info
from falco.config.settings import Extensions, Settings
from falco.config.values import boolean
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle
from falco.errors import ConfigError

OUTPUT_SUFFIX = "_output"
"""Sections of output channels are called ``<name>_output``."""


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

    def shown(self, problem: Problem) -> str:
        """*problem* with the line where it stands."""
        return with_excerpt(problem, problem.span, self.merged.sources)

    def says(self, key: str) -> bool:
        """Whether *key* has a truth value, and not the default for want of one."""
        node = paths.get(self.merged.root, key)
        return isinstance(node, ScalarNode) and boolean(node.text) is not None

    def error(self, key: str, sentence: str) -> ConfigError:
        """The error that *key* has a value that cannot be used: *sentence*, its place and the line there."""
        node = paths.get(self.merged.root, key)
        if node is None:
            return ConfigError(sentence)
        return ConfigError(with_excerpt(f"{sentence} ({place(node.span)}: {key})", node.span, self.merged.sources))


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
    findings = Findings()
    with findings.told():
        merged = merge(main, options, cwd=cwd, env=env, findings=findings)
        return _read(merged, Converter(main.name, problems=findings.problems, errors=findings.errors), output_types)


def _read(merged: Merged, converter: Converter, output_types: Mapping[str, type[Struct]]) -> Configuration:
    """The values of *merged*."""
    root = _without_alias(merged.root, converter)
    own, sections = _split(root, output_types, converter)
    settings = converter.struct(own, Settings)
    extensions, ours = _extensions(root, output_types, converter)
    outputs = {}
    for name, cls in output_types.items():
        configured = _channel(name, sections.get(name), extensions.get(name), cls, converter)
        if configured is not None:
            outputs[name] = configured
    converter.problems.extend(check.removed_keys(root))
    notes = tuple(check.idle_keys(root, settings))
    return Configuration(settings, ours, outputs, replace(merged, root=root), tuple(converter.problems), notes)


class _Switch(Struct):
    """What every section of a channel has; its other keys are the channel's business."""

    enabled: bool = False


def _channel(
    name: str, section: Node | None, extension: Node | None, cls: type[Struct], converter: Converter
) -> Struct | None:
    """The configuration of the channel *name*; None when it is switched off.

    Args:
        name: The channel.
        section: Its keys.
        extension: Those of its keys that stand below our own key.
        cls: Its struct.
        converter: Reads them; what is wrong with a channel that is off is a problem, never an error.
    """
    path = name + OUTPUT_SUFFIX
    rows = struct_info(cls).fields
    known = [row.encode_name for row in rows]
    is_on = converter.struct(_only(section, ["enabled"]), _Switch, path).enabled
    pairs: tuple[tuple[Node, Node], ...] = ()
    homes: dict[str, str] = {}
    """Where each key stands."""
    for node, home in ((section, path), (extension, f"{EXTENSIONS}.{path}")):
        if isinstance(node, MappingNode):
            converter.check_keys(node, known if node is extension else ["enabled", *known], home)
            mine = _only(node, known)
            pairs += mine.pairs if isinstance(mine, MappingNode) else ()
            for key, _ in node.pairs:
                first = homes.setdefault(_name(key), home)
                if first != home and _name(key) in known:
                    twice = f"key '{home}.{_name(key)}' is ignored: {first}.{_name(key)} counts"
                    converter.problems.append(Problem(key.span, twice))
    where = section if isinstance(section, MappingNode) else extension
    if not isinstance(where, MappingNode):
        return None
    whole = replace(where, pairs=pairs)
    if not is_on:
        converter.look(whole, cls, homes)
        return None
    for row in rows:
        value = whole.get(row.encode_name)
        if row.required and (value is None or (isinstance(value, ScalarNode) and _is_empty(value))):
            span = where.span if value is None else value.span
            sentence = f"{name} output enabled but no {row.encode_name} in configuration block"
            wanted = f"{homes.get(row.encode_name, path)}.{row.encode_name}"
            said = f"{place(span)}: {wanted}: give it a value, or switch {path}.enabled off"
            raise PlacedError(span, f"Error reading config file ({converter.file}): {sentence} ({said})")
    return converter.struct(whole, cls, path, homes)


def _is_empty(value: ScalarNode) -> bool:
    """Whether *value* is nothing, or nothing but quotes."""
    return value.is_null or not value.text.strip("'\"")


def _only(node: Node | None, names: Sequence[str]) -> Node | None:
    """*node*, if it is a mapping with none but the keys *names*."""
    if not isinstance(node, MappingNode):
        return node
    return replace(node, pairs=tuple(pair for pair in node.pairs if _name(pair[0]) in names))


def _extensions(
    root: MappingNode, output_types: Mapping[str, type[Struct]], converter: Converter
) -> tuple[dict[str, Node], Extensions]:
    """What stands below our own key: sections by channel, and the keys that are of no channel."""
    node = root.get(EXTENSIONS)
    if not isinstance(node, MappingNode):
        return {}, converter.struct(node, Extensions, EXTENSIONS)
    channels = [name + OUTPUT_SUFFIX for name in output_types]
    own = [row.encode_name for row in fields(Extensions)]
    converter.check_keys(node, [*own, *channels], EXTENSIONS)
    sections: dict[str, Node] = {}
    for key, value in node.pairs:
        if _name(key) in channels:
            path = f"{EXTENSIONS}.{_name(key)}"
            converter.struct(_only(value, []), _Nothing, path)  # says what is wrong with what is no mapping
            sections.setdefault(_name(key).removesuffix(OUTPUT_SUFFIX), value)
    return sections, converter.struct(_only(node, own), Extensions, EXTENSIONS)


class _Nothing(Struct):
    """A mapping whose keys are looked at elsewhere."""


def _name(key: Node) -> str:
    return key.text if isinstance(key, ScalarNode) else ""


def _without_alias(root: MappingNode, converter: Converter) -> MappingNode:
    """*root* with the deprecated ``rules_file`` under its present name."""
    key = next((key for key, _ in root.pairs if _name(key) == "rules_file"), None)
    if key is None:
        return root
    converter.problems.append(
        Problem(
            key.span,
            "Using deprecated config key 'rules_file' (singular form). "
            "Please use new 'rules_files' config key (plural form).",
        )
    )
    if root.get("rules_files") is not None:
        sentence = "both 'rules_files' and 'rules_file' keys set"
        raise PlacedError(
            key.span, f"Error reading config file ({converter.file}): {sentence} ({place(key.span)}: keep one)"
        )
    renamed = ScalarNode("rules_files", ScalarStyle.PLAIN, key.span)
    return replace(root, pairs=tuple((renamed if one is key else one, value) for one, value in root.pairs))


def _split(
    root: MappingNode, output_types: Mapping[str, type[Struct]], converter: Converter
) -> tuple[MappingNode, dict[str, Node]]:
    """The keys that core knows, and the sections of channels by channel."""
    own = Settings.__struct_fields__
    known = [*own, *(name + OUTPUT_SUFFIX for name in output_types)]
    sections: dict[str, Node] = {}
    for key, value in root.pairs:
        name = _name(key)
        if name in _CHANNELS and name not in known:
            missing = f"no installed plugin has the output channel '{name.removesuffix(OUTPUT_SUFFIX)}'"
            sentence = f"'{name}' is ignored: {missing} (pip install falco-core[all])"
            converter.problems.append(Problem(key.span, sentence))
        elif name in known and name not in own:
            sections.setdefault(name.removesuffix(OUTPUT_SUFFIX), value)
    of_nobody = [pair for pair in root.pairs if _name(pair[0]) not in {*check.REMOVED, *_CHANNELS}]
    converter.check_keys(replace(root, pairs=tuple(of_nobody)), known, "")
    only = _only(root, own)
    return (only if isinstance(only, MappingNode) else root), sections


_CHANNELS: Final = frozenset({"stdout_output", "file_output", "syslog_output", "program_output", "http_output"})
"""The sections of Falco's own channels, which a plugin brings."""
