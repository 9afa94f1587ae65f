"""The configuration that a plugin gets from falco.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from falco.config.convert import Converter, boolean
from falco.config.merge import Problem
from falco.documents import reader
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode
from falco.errors import ConfigError, PluginError


def read(
    node: Node | None, config_type: type[msgspec.Struct] | None, plugin: str
) -> tuple[msgspec.Struct | Mapping[str, Any], tuple[Problem, ...]]:
    """``init_config`` as an instance of *config_type* (the plain mapping for None), and what was passed over.

    Args:
        node: The value in falco.yaml: a mapping, or the text of a JSON object; absent, null and "" are empty.
        config_type: What the plugin's source declares.
        plugin: Name of the plugin, for errors.

    Raises:
        PluginError: The text is not JSON, or a value has the wrong type; the message names key and place.
    """
    mapping = _mapping(node, plugin)
    if config_type is None:
        return ({} if mapping is None else _plain(mapping)), ()
    converter = Converter(is_strict=True)
    try:
        config = converter.struct(mapping, config_type)
    except ConfigError as error:
        raise PluginError(f"error in plugin {plugin} init config: {error}") from None
    if isinstance(node, ScalarNode) and mapping is not None:
        _check_types(node.text, config_type, plugin)
    where = f"init_config of {plugin}: "
    return config, tuple(replace(problem, message=where + problem.message) for problem in converter.problems)


def _mapping(node: Node | None, plugin: str) -> Node | None:
    """*node*, or what the JSON text in it says."""
    if not isinstance(node, ScalarNode):
        return node
    if node.is_null or not node.text.strip():
        return None
    try:
        if json.loads(node.text) is None:
            return None
        return reader.read(node.text.encode(), f"init_config of {plugin}")[0]
    except (ValueError, RecursionError, reader.DocumentError):
        raise PluginError(f"error in plugin {plugin}: init config is not a valid json") from None


def _check_types(text: str, config_type: type[msgspec.Struct], plugin: str) -> None:
    """In JSON a number is no text: YAML nodes do not know that any more."""
    try:
        msgspec.json.decode(text, type=config_type)
    except msgspec.MsgspecError as error:
        raise PluginError(f"error in plugin {plugin} init config: {error}") from None


def _plain(node: Node) -> Any:
    """*node* as Python values; plain scalars are typed as JSON would."""
    match node:
        case MappingNode():
            return {key.text: _plain(value) for key, value in reversed(node.pairs) if isinstance(key, ScalarNode)}
        case SequenceNode():
            return [_plain(item) for item in node.items]
        case ScalarNode():
            return _plain_scalar(node)


def _plain_scalar(node: ScalarNode) -> Any:
    if node.is_null:
        return None
    if node.style is not ScalarStyle.PLAIN:
        return node.text
    truth = boolean(node.text) if node.text.lower() in {"true", "false"} else None
    if truth is not None:
        return truth
    try:
        number = json.loads(node.text)
    except ValueError:
        return node.text
    return number if isinstance(number, int | float) else node.text
