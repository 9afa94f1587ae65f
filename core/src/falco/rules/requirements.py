"""``required_plugin_versions``: whether the loaded plugins are what rule files need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from falco.errors import RuleError
from falco.rules.items import PluginRequirement
from falco.rules.versions import Version


def check(
    required: Iterable[PluginRequirement], loaded: Mapping[str, str], advice: Callable[[str], str] = lambda _: ""
) -> None:
    """Compare what rule files need with the versions of the *loaded* plugins, by Falco's names.

    A requirement is satisfied by the first of its plugins that is loaded, if its version is. *advice* says how to load
    a plugin, "" if that cannot be done.

    Raises:
        RuleError: A requirement is not satisfied, with Falco's sentence.
    """
    for requirement in required:
        choice = next((choice for choice in requirement.choices if choice.name in loaded), None)
        if choice is None:
            names = ", ".join(f"{choice.name} (>= {choice.version})" for choice in requirement.choices)
            how = next(filter(None, (advice(choice.name) for choice in requirement.choices)), "")
            raise RuleError(f"Plugin requirement not satisfied, must load one of: {names}{how}")
        have, need = Version.parse(loaded[choice.name]), Version.parse(choice.version)
        if have is None or need is None:
            raise RuleError(f"Plugin '{choice.name}' has invalid version string '{loaded[choice.name]}'")
        if not have.satisfies(need):
            raise RuleError(
                f"Plugin '{choice.name}' version '{loaded[choice.name]}' is not compatible with "
                f"required plugin version '{choice.version}'"
            )
