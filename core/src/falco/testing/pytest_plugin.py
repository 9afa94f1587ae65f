"""Fixtures for tests of rules and plugins, there wherever ``falco-core`` is installed.

Registered as an entry point of the group ``pytest11``.  None is used unless a test asks for it, and nothing of falco is
imported until then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from falco.plugins.manager import PluginManager
    from falco.testing.detections import Detections


@pytest.fixture(scope="session")
def falco_installed() -> PluginManager:
    """The plugins that are installed."""
    from falco.plugins.manager import PluginManager  # not before a test asks

    return PluginManager.of_environment()


@pytest.fixture(scope="session")
def falco_plugins() -> Callable[..., PluginManager]:
    """``falco_plugins(name=module, …)``: a manager of these plugins alone, nothing that is installed.

    Hand it to ``run_rules(…, plugins=…)`` to test a plugin that is not installed, or away from others.
    """
    from falco.testing.rules import plugins_of

    return plugins_of


@pytest.fixture(scope="session")
def run_rules(falco_installed: PluginManager) -> Callable[..., Detections]:
    """``falco.testing.run_rules``; the installed plugins are imported once."""
    from falco.testing import rules

    return partial(rules.run_rules, plugins=falco_installed)
