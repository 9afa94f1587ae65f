"""The files of the distribution, for whoever asks for packaged rules or has no configuration."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from falco import PluginInfo, RuleFile, hookimpl

_RULES = ("k8s_audit_rules.yaml", "falco_rules.yaml")


@hookimpl
def falco_plugin_info() -> PluginInfo:
    """Name and version."""
    return PluginInfo(name="rules", version=version("falco-rules"), description="Default rules and configuration")


@hookimpl
def falco_register_rules() -> list[RuleFile]:
    """The default rules."""
    return [RuleFile(name, _file(name)) for name in _RULES]


@hookimpl
def falco_register_configurations() -> list[Traversable]:
    """The configuration of a first run."""
    return [_file("falco.yaml")]


def _file(name: str) -> Traversable:
    """A data file: beside this module in a wheel, two directories up in a source tree, where people edit it."""
    tree = Path(__file__).parents[2] / name
    return tree if tree.is_file() else files("falco_rules").joinpath(name)
