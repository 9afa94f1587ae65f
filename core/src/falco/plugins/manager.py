"""The plugins that are installed, and what each of them registers.

Hooks are called at start-up only; what they return runs without pluggy.  A manager is an object that is passed
around: there may be several in one process, and tests make theirs from modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from falco.errors import PluginError
from falco.plugins import hookspecs
from falco.plugins.discovery import Broken, Found, installed
from falco.plugins.info import PluginInfo

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import click

    from falco.config.settings import PluginEntry
    from falco.outputs import Output
    from falco.plugins.rulefiles import RuleFile

T = TypeVar("T")


class PluginManager:
    """Registers plugins and answers who registered what.

    Args:
        plugins: The plugins, in the order in which they are asked. Those that could not be imported are kept
            for the moment at which somebody wants them.

    Raises:
        PluginError: A plugin is written for another API, hooks are misspelt, or names clash.
    """

    def __init__(self, plugins: Iterable[Found | Broken]) -> None:
        self._pm = pluggy.PluginManager("falco")
        self._pm.add_hookspecs(hookspecs)
        self.infos: dict[str, PluginInfo] = {}
        """By plugin name, in order."""
        self.broken: dict[str, Broken] = {}
        self._owners: dict[str, str] = {}
        for plugin in plugins:
            if isinstance(plugin, Broken):
                self.broken[plugin.name] = plugin
            else:
                self._register(plugin)

    @classmethod
    def of_environment(cls) -> PluginManager:
        """The manager of everything that is installed."""
        return cls(installed())

    def _register(self, plugin: Found) -> None:
        try:
            self._pm.register(plugin.module, name=plugin.name)
            self._pm.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"plugin '{plugin.name}' of distribution '{plugin.distribution}': {error}") from None
        info = self._info(plugin)
        info.check_api()
        for name in info.names:
            if name in self._owners:
                raise PluginError(
                    f"found another plugin with name {name}: plugins '{self._owners[name]}' and '{plugin.name}' "
                    "both answer to it; uninstall one of them"
                )
            self._owners[name] = plugin.name
        self.infos[plugin.name] = info

    def _info(self, plugin: Found) -> PluginInfo:
        for answer in self._only("falco_plugin_info", plugin.name)():
            if not isinstance(answer, PluginInfo):
                raise PluginError(f"plugin '{plugin.name}': falco_plugin_info returned a {type(answer).__name__}")
            if answer.name != plugin.name:
                raise PluginError(
                    f"plugin '{plugin.name}' of distribution '{plugin.distribution}' calls itself '{answer.name}': "
                    "entry point and PluginInfo must agree"
                )
            return answer
        return PluginInfo(name=plugin.name, version=_three_numbers(plugin.version), description=plugin.summary)

    def _only(self, hook: str, name: str) -> pluggy.HookCaller:
        everyone = {plugin for _, plugin in self._pm.list_name_plugin() if plugin is not None}
        return self._pm.subset_hook_caller(hook, everyone - {self._pm.get_plugin(name)})

    def collect(
        self, hook: str, names: Collection[str] | None = None, /, **arguments: Any
    ) -> Iterator[tuple[str, Any]]:
        """``(plugin name, object)`` for everything that *hook* returned, plugin by plugin.

        Args:
            hook: Name of the hook.
            names: The plugins to ask; None = all.
            arguments: What the hook gets.

        Raises:
            PluginError: A hook failed or returned no collection; the message names the plugin.
        """
        for name in self.infos:
            if names is not None and name not in names:
                continue
            try:
                for registered in self._only(hook, name)(**arguments):
                    for item in registered or ():
                        yield name, item
            except PluginError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise PluginError(f"plugin '{name}': {hook} failed: {reason}") from error

    def output_types(self) -> dict[str, type[Output]]:
        """Installed output channels, by name.

        Raises:
            PluginError: Two plugins have a channel of the same name.
        """
        return unique("output channel", ((name, cls.name, cls) for name, cls in self.collect("falco_register_outputs")))

    def commands(self) -> dict[str, click.Command]:
        """Commands that installed plugins add, by name.

        Raises:
            PluginError: Two plugins have a command of the same name.
        """
        found = self.collect("falco_register_commands")
        return unique("command", ((name, command.name or "", command) for name, command in found))

    def rule_files(self) -> dict[str, RuleFile]:
        """Rule files that installed plugins ship, by name.

        Raises:
            PluginError: Two plugins ship a file of the same name.
        """
        return unique("rules file", ((name, file.name, file) for name, file in self.collect("falco_register_rules")))

    def default_configuration(self) -> Traversable | None:
        """The falco.yaml for a run without one; None if no plugin has one."""
        return next((file for _, file in self.collect("falco_register_configurations")), None)

    def resolve(self, entry: PluginEntry) -> str:
        """The name that *entry* means: one of those that ``PluginInfo.names`` gives of an installed plugin.

        The library's base name without ``lib`` and suffix counts first, then the entry's name.

        Raises:
            PluginError: No installed plugin answers to either, or the one that does is broken.
        """
        library = entry.library_path.rpartition("/")[2].partition(".")[0].removeprefix("lib")
        for name in (library, entry.name):
            if name in self._owners:
                return name
        for name in (library, entry.name):
            if name in self.broken:
                raise self.broken[name].error
        known = ", ".join(sorted(self._owners)) or "none"
        raise PluginError(
            f"cannot load plugin '{entry.name}' ({entry.library_path}): no installed plugin answers to "
            f"'{library}' or '{entry.name}'. Installed: {known}"
        )

    def owner(self, name: str) -> str | None:
        """The installed plugin that answers to *name*; None if none does."""
        return self._owners.get(name)


def unique(what: str, items: Iterable[tuple[str, str, T]]) -> dict[str, T]:
    """A mapping of ``(plugin, key, object)``.

    Raises:
        PluginError: A key stands twice; the message names both plugins.
    """
    owners: dict[str, str] = {}
    found: dict[str, T] = {}
    for plugin, key, item in items:
        if key in owners:
            raise PluginError(f"{what} '{key}' is provided by plugin '{owners[key]}' and plugin '{plugin}'")
        owners[key] = plugin
        found[key] = item
    return found


def _three_numbers(version: str) -> str:
    numbers = [part for part in version.split(".") if part.isdigit()]
    return ".".join([*numbers, "0", "0", "0"][:3])
