import types

import pytest
from importlib_metadata import EntryPoint

from falco import Output, PluginInfo, RuleFile, hookimpl
from falco.config.settings import PluginEntry
from falco.errors import PluginError
from falco.plugins.discovery import Broken, Found, installed
from falco.plugins.manager import PluginManager


def plugin(name, info=None, **hooks):
    """A plugin whose hooks return what is given."""
    module = types.ModuleType(name)
    if info is not None:
        hooks["falco_plugin_info"] = lambda: info
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return Found(name, f"dist-{name}", "1.2.3", f"The plugin {name}.", module)


def info(name, **more):
    return PluginInfo(**{"name": name, "version": "1.0.0", **more})


class Channel(Output):
    name = "channel"

    def write(self, alert):
        raise AssertionError


def entry(name, library="libx.so", **more):
    return PluginEntry(name=name, library_path=library, **more)


def test_a_plugin_without_info_gets_one_of_its_distribution():
    manager = PluginManager([plugin("a")])

    assert manager.infos["a"] == PluginInfo(name="a", version="1.2.3", description="The plugin a.")


def test_what_hooks_return_is_collected_by_plugin():
    manager = PluginManager(
        [
            plugin("a", falco_register_fields=lambda source: [f"{source}.one", f"{source}.two"]),
            plugin("b", falco_register_fields=lambda source: [f"{source}.three"]),
        ]
    )

    assert list(manager.collect("falco_register_fields", source="s")) == [
        ("a", "s.one"),
        ("a", "s.two"),
        ("b", "s.three"),
    ]
    assert list(manager.collect("falco_register_fields", ["b"], source="s")) == [("b", "s.three")]


def test_a_misspelt_hook_is_an_error_that_names_the_plugin():
    with pytest.raises(PluginError, match=r"plugin 'a' of distribution 'dist-a': .*falco_register_feilds"):
        PluginManager([plugin("a", falco_register_feilds=lambda source: [])])


def test_a_hook_that_fails_is_an_error_that_names_the_plugin():
    def fail():
        raise ValueError("no")

    manager = PluginManager([plugin("a", falco_register_outputs=fail)])

    with pytest.raises(PluginError, match="plugin 'a': falco_register_outputs failed: ValueError: no"):
        manager.output_types()


def test_two_channels_of_one_name_name_both_plugins():
    manager = PluginManager([plugin(name, falco_register_outputs=lambda: [Channel]) for name in ("a", "b")])

    with pytest.raises(PluginError, match="output channel 'channel' is provided by plugin 'a' and plugin 'b'"):
        manager.output_types()


def test_two_plugins_for_one_name_of_falco_name_both():
    plugins = [plugin(name, info(name, provides={"json": "0.1.0"})) for name in ("a", "b")]

    with pytest.raises(PluginError, match="found another plugin with name json: plugins 'a' and 'b' both answer to it"):
        PluginManager(plugins)


def test_a_plugin_that_calls_itself_otherwise_is_refused():
    with pytest.raises(PluginError, match="plugin 'a' of distribution 'dist-a' calls itself 'b'"):
        PluginManager([plugin("a", info("b"))])


@pytest.mark.parametrize("versions", [((0, 1), (1, 0)), ((1, 1), (2, 0)), ((2, 0), (3, 0))])
def test_a_plugin_for_another_api_is_refused_with_both_versions(versions):
    with pytest.raises(PluginError, match=r"plugin 'a' 1\.0\.0 needs plugin API version .* this is 1\.0"):
        PluginManager([plugin("a", info("a", api_versions=versions))])


def test_a_version_has_three_numbers():
    with pytest.raises(PluginError, match="plugin 'a' provided an invalid version string for 'json': '1'"):
        info("a", provides={"json": "1"})


@pytest.mark.parametrize(
    ("library", "name", "resolved"),
    [
        ("libk8saudit.so", "whatever", "k8saudit"),
        ("/opt/falco/libk8saudit.so", "whatever", "k8saudit"),
        ("k8saudit.dll", "whatever", "k8saudit"),
        ("libunknown.so", "k8saudit", "k8saudit"),
        ("libunknown.so", "ours", "ours"),
        ("libjson.so", "k8saudit", "json"),
    ],
)
def test_the_library_names_the_plugin_and_then_the_name(library, name, resolved):
    manager = PluginManager([plugin("ours", info("ours", provides={"k8saudit": "0.18.0", "json": "0.7.4"}))])

    assert manager.resolve(entry(name, library)) == resolved
    assert manager.owner(resolved) == "ours"


def test_a_plugin_that_is_not_installed_says_what_is():
    manager = PluginManager([plugin("a")])

    with pytest.raises(
        PluginError, match=r"cannot load plugin 'x' \(nope\.so\): no installed plugin answers to 'nope' or 'x'"
    ):
        manager.resolve(entry("x", "nope.so"))


def test_a_broken_plugin_is_an_error_once_it_is_wanted():
    manager = PluginManager([Broken("x", PluginError("cannot be loaded")), plugin("a")])

    assert list(manager.infos) == ["a"]
    with pytest.raises(PluginError, match="cannot be loaded"):
        manager.resolve(entry("x"))


def test_an_entry_point_that_cannot_be_imported_names_distribution_and_reason():
    (found,) = installed([EntryPoint("x", "no_such_module.plugin", "falco.plugins")])

    assert isinstance(found, Broken)
    assert "plugin 'x' of distribution '?' cannot be loaded (no_such_module.plugin): ModuleNotFoundError" in str(
        found.error
    )


def test_two_entry_points_of_one_name_are_an_error():
    points = [EntryPoint("x", "json", "falco.plugins"), EntryPoint("x", "types", "falco.plugins")]

    with pytest.raises(PluginError, match="found another plugin with name x"):
        list(installed(points))


def test_rule_files_of_plugins_are_found_by_name(tmp_path):
    (tmp_path / "r.yaml").write_bytes(b"- list: l")
    manager = PluginManager([plugin("a", falco_register_rules=lambda: [RuleFile("r.yaml", tmp_path / "r.yaml")])])

    assert manager.rule_files()["r.yaml"].read() == b"- list: l"


def test_the_installed_plugins_of_this_project_are_sound():
    manager = PluginManager.of_environment()

    assert {"k8s_audit", "outputs", "rules"} <= set(manager.infos)
    assert set(manager.output_types()) == {"file", "stdout", "syslog", "program", "http"}
    assert manager.rule_files()
    assert manager.default_configuration() is not None
