"""The configuration that a plugin gets from falco.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from falco.config.convert import Converter
from falco.config.merge import odd_keys
from falco.config.places import PlacedError, Problem, place, with_excerpt
from falco.config.values import boolean
from falco.documents import reader
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode, Span
from falco.documents.scalars import to_text
from falco.documents.source import SourceFile
from falco.errors import ConfigError, PluginError


def read(
    node: Node | None,
    config_type: type[msgspec.Struct] | None,
    plugin: str,
    sources: Mapping[str, SourceFile] = MappingProxyType({}),
) -> tuple[msgspec.Struct | Mapping[str, Any], tuple[Problem, ...]]:
    """``init_config`` as an instance of *config_type* (the plain mapping for None), and what was passed over.

    Args:
        node: The value in falco.yaml: a mapping, or the text of a JSON object; absent, null and "" are empty.
        config_type: What the plugin's source declares.
        plugin: Name of the plugin, for errors.
        sources: The texts where *node* stands, by name, for errors.

    Raises:
        PluginError: The text is not JSON, or a value has the wrong type; the message names key and place.
    """
    mapping = _of_json(node, plugin, sources) if isinstance(node, ScalarNode) else node
    if config_type is None:
        return ({} if mapping is None else _plain(mapping)), ()
    converter = Converter(is_strict=True, is_json=isinstance(node, ScalarNode))
    if mapping is not None and converter.is_json:
        converter.problems.extend(odd_keys(mapping))
    try:
        config = converter.struct(mapping, config_type)
    except PlacedError as error:
        sentence = f"error in plugin {plugin} init config: {error}"
        raise PluginError(with_excerpt(sentence, error.span, sources)) from None
    except ConfigError as error:
        raise PluginError(f"error in plugin {plugin} init config: {error}") from None
    where = f"init_config of {plugin}: "
    return config, tuple(replace(problem, message=where + problem.message) for problem in converter.problems)


def _of_json(scalar: ScalarNode, plugin: str, sources: Mapping[str, SourceFile]) -> Node | None:
    """What the JSON text *scalar* says, each node with its place in the file where the text stands."""
    if scalar.is_null or not scalar.text.strip():
        return None
    try:
        if json.loads(scalar.text) is None:
            return None
        document = reader.read(scalar.text.encode(), f"init_config of {plugin}")[0]
    except (ValueError, RecursionError, reader.DocumentError) as error:
        why, at = "nested too deep", 0
        if isinstance(error, json.JSONDecodeError):
            why, at = error.msg, error.pos
        elif isinstance(error, reader.DocumentError):
            why, at = error.message, error.span.start.index
        span = _written(scalar, sources)(at, at + 1)
        sentence = f"error in plugin {plugin}: init config is not a valid json ({place(span)}: {why})"
        raise PluginError(with_excerpt(sentence, span, sources)) from None
    return _placed(document, _written(scalar, sources))


def _written(scalar: ScalarNode, sources: Mapping[str, SourceFile]) -> Callable[[int, int], Span]:
    """A function (start, end) from characters of the value of *scalar* to where they stand."""
    source = sources.get(scalar.span.file)
    if source is None or scalar.origin:
        return lambda _start, _end: scalar.span
    text = to_text(scalar, source)

    def written(start: int, end: int) -> Span:
        first, last = text.written(start), text.written(max(start, end - 1))
        if first is None or last is None:
            return scalar.span
        return source.span(first[1], max(first[1], last[1]) + 1)

    return written


def _placed(node: Node, written: Callable[[int, int], Span]) -> Node:
    """*node* with the places that *written* says; documents are not deep."""
    span = written(node.span.start.index, node.span.end.index)
    match node:
        case MappingNode():
            pairs = ((_placed(key, written), _placed(value, written)) for key, value in node.pairs)
            return MappingNode(tuple(pairs), span)
        case SequenceNode():
            return SequenceNode(tuple(_placed(item, written) for item in node.items), span)
        case ScalarNode():
            return replace(node, span=span)


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
