import types
from collections.abc import Iterator

import pytest
from msgspec import Struct

from falco import Decoder, EventCatalogue, EventList, Field, PluginInfo, Source, hookimpl
from falco.config.settings import PluginEntry
from falco.documents import reader
from falco.errors import PluginError
from falco.plugins import init_config, listing
from falco.plugins.activation import activate
from falco.plugins.discovery import Found
from falco.plugins.manager import PluginManager


def source(event_source):
    class OneSource(Source[list]):
        def batches(self) -> Iterator[list]:
            yield []

    OneSource.event_source = event_source
    return OneSource


def decoder(event_source):
    class OneDecoder(EventList):
        pass

    OneDecoder.event_source = event_source
    return OneDecoder


def field(name):
    return Field(name, lambda _argument: lambda _event: None, doc="d")


def plugin(name, *, sources=(), decoders=(), fields=None, catalogues=(), provides=None, fields_only=()):
    module = types.ModuleType(name)
    info = PluginInfo(name=name, version="1.0.0", provides=provides or {}, fields_only=frozenset(fields_only))
    hooks = {
        "falco_plugin_info": lambda: info,
        "falco_register_sources": lambda: [source(one) for one in sources],
        "falco_register_decoders": lambda: [decoder(one) for one in decoders],
        "falco_register_event_catalogues": lambda: [EventCatalogue(one, "1", ()) for one in catalogues],
        "falco_register_fields": lambda source: [field(one) for one in (fields or {}).get(source, ())],
    }
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return Found(name, "dist", "1.0.0", "", module)


AUDIT = plugin(
    "audit",
    sources=["k8s"],
    decoders=["k8s"],
    fields={"k8s": ["ka.verb"]},
    provides={"k8saudit": "0.18.0", "json": "0.7.4"},
    fields_only=["json"],
)
SYSCALL = plugin(
    "sys", catalogues=["syscall"], sources=["syscall"], provides={"container": "0.7.1"}, fields_only=["container"]
)


def entry(name, open_params="", init=None):
    return PluginEntry(name=name, library_path=f"lib{name}.so", open_params=open_params, init_config=init)


def switch_on(plugins, *entries, load=None):
    return activate(PluginManager(plugins), entries, load)


def test_without_load_plugins_all_that_is_listed_is_loaded():
    assert switch_on([AUDIT], entry("k8saudit")).names == ("audit",)


def test_load_plugins_chooses():
    assert switch_on([AUDIT], entry("k8saudit"), load=()).names == ()


def test_what_is_installed_and_not_listed_is_not_loaded():
    assert switch_on([AUDIT]).names == ()


def test_a_name_that_has_no_entry_is_an_error_in_falcos_words():
    with pytest.raises(PluginError, match="Cannot load plugin 'x': plugin config not found for given name"):
        switch_on([AUDIT], entry("k8saudit"), load=("x",))


def test_two_names_of_one_plugin_load_it_once():
    active = switch_on([AUDIT], entry("json"), entry("k8saudit", "params"))

    assert active.names == ("audit",)
    assert active.event_sources["k8s"].plugin.entry.open_params == "params"
    assert active.event_sources["k8s"].plugin.alias == "k8saudit"


def test_one_name_twice_is_an_error_that_names_both_entries():
    with pytest.raises(PluginError, match="found another plugin with name k8saudit: 'k8saudit' and 'again'"):
        switch_on([AUDIT], entry("k8saudit"), PluginEntry(name="again", library_path="libk8saudit.so"))


def test_a_name_for_fields_alone_opens_no_event_source():
    active = switch_on([AUDIT], entry("json"))

    assert active.event_sources == {}
    assert active.versions == {"json": "0.7.4"}


def test_a_name_that_opens_brings_all_versions():
    assert switch_on([AUDIT], entry("k8saudit")).versions == {"audit": "1.0.0", "k8saudit": "0.18.0", "json": "0.7.4"}


def test_who_knows_system_calls_is_always_on():
    active = switch_on([AUDIT, SYSCALL], entry("k8saudit"))

    assert list(active.event_sources) == ["syscall", "k8s"]
    assert active.versions["container"] == "0.7.1"


def test_loading_the_container_plugin_keeps_the_syscall_source():
    active = switch_on([SYSCALL], entry("container"))

    assert list(active.event_sources) == ["syscall"]
    assert active.event_sources["syscall"].plugin.entry is None


def test_an_event_source_without_a_decoder_has_lists_of_events():
    active = switch_on([plugin("p", sources=["lines"])], entry("p"))

    assert active.event_sources["lines"].decoder_type is EventList


def test_two_decoders_of_one_event_source_name_both_plugins():
    other = plugin("other", decoders=["k8s"], sources=["k8s"])

    with pytest.raises(
        PluginError, match="decoder of event source 'k8s' is provided by plugin 'audit' and plugin 'other'"
    ):
        switch_on([AUDIT, other], entry("k8saudit"), entry("other"))


def test_a_further_transport_is_opened_if_its_entry_says_what():
    kafka = plugin("kafka", sources=["k8s"])

    active = switch_on([AUDIT, kafka], entry("k8saudit"), entry("kafka", "topic"))

    assert active.event_sources["k8s"].plugin.info.name == "kafka"
    assert issubclass(active.event_sources["k8s"].decoder_type, Decoder)


def test_the_first_transport_is_opened_if_no_entry_says_what():
    kafka = plugin("kafka", sources=["k8s"])

    assert switch_on([AUDIT, kafka], entry("kafka"), entry("k8saudit")).event_sources["k8s"].plugin.info.name == "kafka"


def test_two_transports_that_would_both_be_opened_are_an_error():
    kafka = plugin("kafka", sources=["k8s"])

    with pytest.raises(PluginError, match="the plugins 'audit' and 'kafka' would both open the event source 'k8s'"):
        switch_on([AUDIT, kafka], entry("k8saudit", "file"), entry("kafka", "topic"))


def test_two_definitions_of_one_field_name_both_plugins():
    other = plugin("other", fields={"k8s": ["ka.verb"]})
    active = switch_on([AUDIT, other], entry("k8saudit"), entry("other"))

    with pytest.raises(PluginError) as raised:
        active.fields("k8s")

    assert str(raised.value) == (
        "Plugin 'other' supports extraction of field 'ka.verb' that is overlapping for source 'k8s': "
        "plugin 'audit' has it too"
    )


def test_a_plugin_that_has_to_do_with_no_event_source_is_known_as_such():
    idle = plugin("idle", fields={"elsewhere": ["x.y"]})
    active = switch_on([AUDIT, idle], entry("k8saudit"), entry("idle"))

    assert [listing.is_known(active, one) for one in active.plugins] == [True, False]


def test_plugins_are_listed_in_falcos_layout():
    text = listing.plugins_text(switch_on([AUDIT, SYSCALL], entry("k8saudit")))

    assert text == (
        "1 Plugins Loaded:\n\n"
        "Name: audit\nDescription: \nContact: \nVersion: 1.0.0\nCapabilities: \n"
        "  - Event Sourcing (source='k8s')\n  - Field Extraction\n  - Stands for: k8saudit 0.18.0, json 0.7.4\n\n\n"
    )


class Config(Struct, frozen=True):
    size: int = 1
    name: str = ""


def read(text, config_type=Config):
    node = reader.read(text.encode(), "falco.yaml")[0]
    return init_config.read(node.get("c"), config_type, "p")


class TestInitConfig:
    @pytest.mark.parametrize("text", ["x: 1", "c: ", "c: ~", "c: ''", "c: {}", "c: '{}'"])
    def test_nothing_is_the_defaults(self, text):
        assert read(text) == (Config(), ())

    @pytest.mark.parametrize("text", ["c: {size: 5, name: n}", """c: '{"size": 5, "name": "n"}'"""])
    def test_a_mapping_and_a_json_text_mean_the_same(self, text):
        assert read(text) == (Config(5, "n"), ())

    def test_a_wrong_type_names_key_and_place(self):
        with pytest.raises(PluginError) as raised:
            read("c:\n  size: big")

        assert (
            str(raised.value) == "error in plugin p init config: falco.yaml:2:9: size: expected a number, found 'big'"
        )

    @pytest.mark.parametrize("text", ['c: {size: "5"}', """c: '{"size": "5"}'""", "c: {size: [5]}"])
    def test_a_quoted_number_is_a_text(self, text):
        with pytest.raises(PluginError, match="size: expected a number"):
            read(text)

    @pytest.mark.parametrize("text", ["c: x", "c: '{'", "c: '{a: b}'"])
    def test_a_text_that_is_not_json_is_an_error(self, text):
        with pytest.raises(PluginError, match="error in plugin p: init config is not a valid json"):
            read(text)

    def test_an_unknown_key_is_a_problem_and_no_error(self):
        _, problems = read("c: {sise: 1}")

        assert [str(problem) for problem in problems] == [
            "falco.yaml:1:5: init_config of p: unknown key 'sise' is ignored, did you mean 'size'?"
        ]

    def test_a_key_like_no_other_is_answered_with_those_there_are(self):
        _, problems = read("c: {foo: 1}")

        assert str(problems[0]).endswith("unknown key 'foo' is ignored; known: size, name")

    def test_without_a_type_the_plain_values_are_given(self):
        values, _ = read("c: {a: 1, b: [true, x, ~, 1.5, '1'], c: {d: e}}", None)

        assert values == {"a": 1, "b": [True, "x", None, 1.5, "1"], "c": {"d": "e"}}
