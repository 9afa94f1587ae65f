"""Commands of plugins stand beside ours, and never in place of them."""

import types

import click
import pytest

from falco import PluginError, hookimpl
from falco.cli.plugin_commands import PluginGroup
from falco.plugins.discovery import Found
from falco.plugins.manager import PluginManager


def plugin(name, *commands):
    module = types.ModuleType(name)

    @hookimpl
    def falco_register_commands():
        return [click.Command(command, callback=lambda command=command: command) for command in commands]

    module.falco_register_commands = falco_register_commands
    return Found(name=name, distribution=f"falco-{name}", version="1.0.0", summary="", module=module)


def group(*plugins):
    root = PluginGroup("falco", manager=lambda: PluginManager(plugins))
    root.add_command(click.Command("run", callback=lambda: "ours"))
    return root


def invoke(root, name):
    with root.make_context("falco", [name]) as context:
        return root.invoke(context)


def test_a_command_of_a_plugin_is_found_and_listed():
    root = group(plugin("a", "hunt"))

    assert root.list_commands(click.Context(root)) == ["hunt", "run"]
    assert invoke(root, "hunt") == "hunt"


def test_our_commands_do_not_look_for_plugins():
    root = PluginGroup("falco", manager=lambda: pytest.fail("plugins were asked"))
    root.add_command(click.Command("run", callback=lambda: "ours"))

    assert invoke(root, "run") == "ours"


def test_a_plugin_cannot_replace_one_of_ours():
    with pytest.raises(PluginError, match="command 'run' of a plugin is one of falco's own"):
        invoke(group(plugin("a", "run")), "hunt")


def test_two_plugins_with_one_command_are_both_named():
    with pytest.raises(PluginError, match="'a' and 'b'|'a' and plugin 'b'"):
        invoke(group(plugin("a", "hunt"), plugin("b", "hunt")), "hunt")
