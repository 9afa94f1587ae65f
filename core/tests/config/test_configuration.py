from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from falco.config import configuration
from falco.config.merge import ConfigFile, read_file
from falco.config.schema import config_schema
from falco.config.settings import Extensions, LogLevel, Matching
from falco.errors import ConfigError, FalcoError
from falco.rules.model import Priority


class Pipe(Struct, frozen=True):
    target: str
    retries: Annotated[int, Meta(ge=0, le=9)] = 3
    secret: str = ""


def load(text, *options, cwd=Path(), env=None, data=None):
    main = ConfigFile("falco.yaml", text.encode() if data is None else data)
    return configuration.load(main, options, output_types={"pipe": Pipe}, cwd=cwd, env=env or {})


def settings(text, *options):
    return load(text, *options).settings


def problems(text, *options):
    return [str(problem) for problem in load(text, *options).problems]


def error(text, *options, **kwargs):
    with pytest.raises(ConfigError) as raised:
        load(text, *options, **kwargs)
    return str(raised.value)


class TestLeniency:
    """Falco takes a default for what it cannot read; we do too, and say so."""

    @pytest.mark.parametrize("text", ["yes", "True", "TRUE", "on", "y", '"true"'])
    def test_truth_has_many_spellings(self, text):
        assert settings(f"json_output: {text}").json_output is True

    @pytest.mark.parametrize("text", ["maybe", "1", "tRUE", "[true]", "{a: b}", '""'])
    def test_a_wrong_type_is_the_default_and_a_problem_with_its_place(self, text):
        loaded = load(f"json_output: {text}")

        assert loaded.settings.json_output is False
        assert str(loaded.problems[0]).startswith("falco.yaml:1:14: json_output: expected true or false, found ")

    def test_null_is_the_default_without_a_word(self):
        assert settings("json_output: ~").json_output is False
        assert problems("json_output: ~") == []

    @pytest.mark.parametrize(("text", "value"), [("0x10", 16), ("010", 8), ("12", 12), ("-1", 0), ("x", 0), ("1e3", 0)])
    def test_numbers_are_read_as_upstream(self, text, value):
        assert settings(f"outputs_queue: {{capacity: {text}}}").outputs_queue.capacity == value

    def test_a_number_out_of_bounds_is_the_default_and_says_the_bounds(self):
        assert settings("webserver: {listen_port: 99999}").webserver.listen_port == 8765
        assert problems("webserver: {listen_port: 99999}") == [
            "falco.yaml:1:26: webserver.listen_port: expected a number from 0 to 65535, found '99999'; the default, 8765, is used"
        ]

    @pytest.mark.parametrize("text", ["", "~", "{}", "\n"])
    def test_nothing_is_a_configuration(self, text):
        assert settings(text) == settings("{}")

    @pytest.mark.parametrize("text", ["---\n---\njson_output: true\n", "--- # none\n---\njson_output: true\n---\n"])
    def test_empty_documents_are_passed_over(self, text):
        assert settings(text).json_output is True
        assert problems(text) == []

    def test_a_further_document_is_said(self):
        assert settings("priority: error\n---\njson_output: true\n").json_output is False
        assert problems("priority: error\n---\njson_output: true\n") == [
            "falco.yaml:3:1: a further document is ignored: one file, one document"
        ]

    def test_a_sequence_sets_nothing_and_is_a_problem(self):
        assert "this sequence sets nothing" in problems("- a")[0]

    def test_a_lone_text_is_a_list_of_one(self):
        assert settings("rules_files: a.yaml").rules_files == ("a.yaml",)

    def test_unknown_keys_come_with_the_closest_known_one(self):
        assert problems("json_outptu: true") == [
            "falco.yaml:1:1: unknown key 'json_outptu' is ignored, did you mean 'json_output'?"
        ]
        assert problems("engine: {kind: kmod, kmodd: {}}") == [
            "falco.yaml:1:22: unknown key 'engine.kmodd' is ignored, did you mean 'engine.kmod'?"
        ]

    def test_extension_keys_are_nobodys_business(self):
        assert problems("x-mine: 1\nengine: {kind: kmod, x-mine: 2}") == []

    def test_of_repeated_keys_the_first_counts(self):
        assert settings("json_output: true\njson_output: false").json_output is True
        assert problems("json_output: true\njson_output: false") == [
            "falco.yaml:2:1: key 'json_output' stands twice, the first one counts"
        ]

    def test_removed_keys_say_what_became_of_them(self):
        assert "'grpc_output' is ignored: the gRPC output was removed" in problems("grpc_output: {enabled: true}")[0]

    def test_a_key_without_effect_is_said_only_when_it_would_change_something(self):
        default, other = (load(f"engine: {{kind: kmod, kmod: {{buf_size_preset: {value}}}}}") for value in (4, 5))

        assert default.notes == ()
        assert "engine.kmod.buf_size_preset has no effect: " in str(other.notes[0])
        assert other.schema_status("falco.yaml") == "ok"

    def test_what_is_switched_on_and_missing_is_said(self):
        assert [str(note) for note in load("webserver: {enabled: true}").notes] == [
            "falco.yaml:1:22: webserver.enabled has no effect: this version does not have it"
        ]


class TestErrors:
    """What cannot be a default stops the program, in upstream's words where it has some."""

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("priority: bad", 'Unknown priority "bad"--must be one of emergency, alert'),
            ("priority: ~", 'Unknown priority "null"--must be'),
            ("rule_matching: some", 'Unknown rule matching strategy "some"--must be one of first, all'),
            ("log_level: INFO", "Unknown log level INFO"),
            ("libs_logger: {severity: bad}", "Unknown sinsp log severity bad"),
            ("engine: {kind: bad}", "Error reading config file (falco.yaml): engine.kind 'bad' is not a valid kind."),
            ("engine: {kind: replay}", "engine.kind is 'replay' but no engine.replay.capture_file specified."),
            ("capture: {mode: bad}", "capture.mode 'bad' is not a valid mode."),
            ("webserver: {listen_address: x}", 'webserver listen address "x" is not a valid IP address'),
            ("syscall_event_drops: {threshold: 2}", "must be a double in the range [0, 1]"),
            ("syscall_event_drops: {actions: [x]}", 'available actions for syscall event drops are "ignore"'),
            ("syscall_event_drops: {actions: [ignore, log]}", 'action "log" does not make sense with the "ignore"'),
            ("syscall_event_timeouts: {max_consecutives: 0}", "must be an unsigned integer > 0"),
            ("rules_file: a\nrules_files: [b]", "both 'rules_files' and 'rules_file' keys set"),
            ("engine: x", 'Config error at key "engine.kind": falco.yaml:1:9: expected a mapping of keys'),
            ("a", 'Config error at key "config_files": falco.yaml:1:1: expected a mapping of keys'),
            ("rules: [{}]", "falco.yaml:1:9: rules[0]: an entry of rules needs 'enable' or 'disable'"),
            ("rules: [x]", 'Config error at key "rules[0].enable": falco.yaml:1:9: expected a mapping of keys'),
            ("rules: [{disable: {rule: ''}}]", "rules[0].disable.rule: say which rules are meant"),
            ("append_output: [{suggested_output: x}]", "append_output[0].suggested_output: expected true or false"),
            ("append_output: [{extra_fields: x}]", "append_output[0].extra_fields: expected a list, found 'x'"),
            ("append_output: [{extra_fields: [{a: b, c: d}]}]", "one name and its format"),
            ("static_fields: {a: [x]}", "falco.yaml:1:20: static_fields.a: expected a text, found a list"),
            ("plugins: [{library_path: a}]", "falco.yaml:1:11: plugins[0].name: the key 'name' is missing"),
            (
                "plugins: [{name: a, library_path: b/../../c.so}]",
                "plugin library_path 'b/../../c.so' resolves outside the plugins directory (/usr/share/falco/plugins/)",
            ),
            ("a: [", "Cannot read config file (falco.yaml): falco.yaml:"),
        ],
    )
    def test_it_is_said(self, text, sentence):
        assert sentence in error(text)

    @pytest.mark.parametrize("option", ["x", "=x", "json_output"])
    def test_an_option_needs_key_and_value(self, option):
        assert error("", option) == (
            f'Error parsing config option "{option}". Must be of the form key=val or key.subkey=val'
        )


class TestOptions:
    def test_options_win_and_the_last_one_counts(self):
        assert settings("priority: error", "priority=info", "priority=alert").priority is Priority.ALERT

    def test_an_object_is_read_as_a_document(self):
        found = settings("", 'append_output[]={"match": {"rule": "R"}, "extra_fields": ["a", {"b": "c"}]}')

        assert found.append_output[0].match.rule == "R"
        assert found.append_output[0].extra_fields == ("a", {"b": "c"})

    def test_a_brace_that_opens_no_object_is_text(self):
        assert settings("", "webserver.ssl_certificate={x").webserver.ssl_certificate == "{x"

    def test_a_blank_before_the_equals_sign_is_part_of_the_key(self):
        assert settings("", "json_output =true").json_output is False
        assert "did you mean 'json_output'?" in problems("", "json_output =true")[0]

    def test_variables_are_not_replaced_in_options(self):
        loaded = load("", "webserver.ssl_certificate=${A}", env={"A": "x"})

        assert loaded.settings.webserver.ssl_certificate == "${A}"


class TestVariables:
    def test_one_that_is_not_set_is_an_empty_text_and_named(self):
        (said,) = problems("json_output: ${NOT_SET}")

        assert said.startswith("falco.yaml:1:14: json_output: expected true or false, found '' (environment variable ")
        assert said.endswith(" NOT_SET, which is not set); the default, false, is used")

    def test_all_of_them_are_named(self):
        said = error("priority: ${A}${B}", env={"A": "x", "B": "y"})

        assert "expected one of emergency" in said
        assert "found 'xy' (environment variables A, B))" in said

    def test_an_option_over_a_text_names_the_variable_that_it_is_of(self):
        assert "found the text 'x' (environment variable A)" in error(
            "engine: ${A}", "engine.kind=kmod", env={"A": "x"}
        )


class TestIncludedFiles:
    @pytest.fixture
    def cwd(self, tmp_path):
        (tmp_path / "a.yaml").write_text("rules_files: [a]\nengine: {kind: nodriver}\njson_output: true\n")
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "2.txt").write_text("priority: error\n")
        (tmp_path / "d" / "1.yaml").write_text("priority: alert\nlog_level: debug\n")
        (tmp_path / "d" / "sub").mkdir()
        (tmp_path / "d" / "sub" / "3.yaml").write_text("priority: debug\n")
        return tmp_path

    def test_append_joins_lists_and_replaces_everything_else(self, cwd):
        main = "config_files: [a.yaml]\nrules_files: [m]\nengine: {kind: kmod, kmod: {buf_size_preset: 9}}"
        found = load(main, cwd=cwd).settings

        assert found.rules_files == ("m", "a")
        assert found.engine.kmod.buf_size_preset == 4

    def test_override_replaces_lists_too(self, cwd):
        main = "config_files: [{path: a.yaml, strategy: override}]\nrules_files: [m]"

        assert load(main, cwd=cwd).settings.rules_files == ("a",)

    def test_add_only_keeps_what_is_set(self, cwd):
        main = "config_files: [{path: a.yaml, strategy: add-only}]\nrules_files: [m]"
        found = load(main, cwd=cwd).settings

        assert found.rules_files == ("m",)
        assert found.json_output is True

    def test_an_unknown_strategy_is_append_and_a_problem(self, cwd):
        loaded = load("config_files: [{path: a.yaml, strategy: x}]\nrules_files: [m]", cwd=cwd)

        assert loaded.settings.rules_files == ("m", "a")
        assert "unknown strategy 'x'" in str(loaded.problems[0])

    def test_the_files_of_a_directory_are_sorted_and_not_those_below(self, cwd):
        loaded = load("config_files: d", cwd=cwd)

        assert [file.name for file in loaded.files] == ["falco.yaml", "d/1.yaml", "d/2.txt"]
        assert loaded.settings.priority is Priority.ERROR
        assert loaded.settings.log_level is LogLevel.DEBUG

    def test_what_does_not_exist_is_passed_over(self, cwd):
        assert len(load("config_files: [nope.yaml]", cwd=cwd).files) == 1

    def test_the_command_line_may_include(self, cwd):
        assert load("", "config_files=a.yaml", "json_output=false", cwd=cwd).settings.rules_files == ("a",)

    def test_an_included_file_does_not_include(self, cwd):
        (cwd / "b.yaml").write_text("config_files: [a.yaml]")

        assert "'config_files' directive in included config file b.yaml" in error("config_files: b.yaml", cwd=cwd)

    def test_the_main_file_is_not_included(self, cwd):
        (cwd / "falco.yaml").write_text("")

        assert "recursively include main config file" in error("config_files: falco.yaml", cwd=cwd)

    def test_problems_name_the_file_they_are_in(self, cwd):
        (cwd / "b.yaml").write_text("\nx: 1")
        loaded = load("config_files: b.yaml", cwd=cwd)

        assert str(loaded.problems[0]).startswith("b.yaml:2:1: unknown key 'x'")
        assert loaded.schema_status("b.yaml") == "failed"
        assert loaded.schema_status("falco.yaml") == "ok"

    def test_an_entry_that_is_appended_keeps_its_place(self, cwd):
        (cwd / "b.yaml").write_text("\nrules_files: [x, [y]]")

        assert error("rules_files: [m]\nconfig_files: b.yaml", cwd=cwd).startswith(
            "b.yaml:2:18: rules_files[2]: expected a text, found a list\n    2 | rules_files: [x, [y]]\n"
        )

    def test_a_file_that_is_missing_or_a_directory_is_an_error(self, cwd):
        with pytest.raises(ConfigError, match="Could not find configuration file at nope"):
            read_file("nope", cwd)
        with pytest.raises(ConfigError, match=r"Cannot read config file \(d\): "):
            read_file("d", cwd)


class TestOutputSections:
    def test_a_channel_that_is_off_is_not_among_the_outputs(self):
        assert load("pipe_output: {enabled: false, target: ''}").outputs == {}

    def test_a_channel_that_is_on_gets_its_keys(self):
        assert load("pipe_output: {enabled: true, target: t, retries: 5}").outputs == {"pipe": Pipe("t", 5)}

    def test_a_wrong_value_is_the_default(self):
        assert load("pipe_output: {enabled: true, target: t, retries: 10}").outputs == {"pipe": Pipe("t", 3)}

    @pytest.mark.parametrize(
        ("section", "place"), [("{enabled: true}", "1:14"), ("{enabled: true, target: ''}", "1:38")]
    )
    def test_a_channel_needs_what_it_requires(self, section, place):
        assert error(f"pipe_output: {section}").startswith(
            "Error reading config file (falco.yaml): pipe output enabled but no target in configuration block "
            f"(falco.yaml:{place}: pipe_output.target: give it a value, or switch pipe_output.enabled off)\n"
        )

    def test_a_wrong_type_of_what_it_requires_is_not_called_missing(self):
        said = error("pipe_output: {enabled: true, target: [a]}")

        assert said.startswith("falco.yaml:1:38: pipe_output.target: expected a text, found a list\n")
        assert "missing" not in said

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ("retries: 10", "1:30: pipe_output.retries: expected a number from 0 to 9, found '10'; the default, 3, is"),
            ("target: [a]", "1:29: pipe_output.target: expected a text, found a list; it is not used while the"),
            (
                "enabeld: true",
                "1:21: unknown key 'pipe_output.enabeld' is ignored, did you mean 'pipe_output.enabled'?",
            ),
        ],
    )
    def test_wrong_values_are_said_and_harmless_while_it_is_off(self, value, sentence):
        loaded = load("pipe_output: {      " + value + "}", "json_output=true")

        assert loaded.outputs == {}
        assert [str(one).startswith(f"falco.yaml:{sentence}") for one in loaded.problems] == [True]

    def test_unknown_keys_are_said_even_while_it_is_off(self):
        assert "did you mean 'pipe_output.target'?" in problems("pipe_output: {taget: x}")[0]

    def test_extension_keys_stand_below_ours(self):
        text = "pipe_output: {enabled: true, target: t}\nx-falco-py: {pipe_output: {secret: s}}"

        assert load(text).outputs == {"pipe": Pipe("t", 3, "s")}

    def test_of_a_key_in_both_places_falcos_counts(self):
        text = "pipe_output: {enabled: true, target: t}\nx-falco-py: {pipe_output: {target: s}}"

        assert load(text).outputs == {"pipe": Pipe("t")}
        assert problems(text) == [
            "falco.yaml:2:28: key 'x-falco-py.pipe_output.target' is ignored: pipe_output.target counts"
        ]

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "{pip_output: {}}",
                "2:14: unknown key 'x-falco-py.pip_output' is ignored, did you mean 'x-falco-py.pipe_",
            ),
            ("{pipe_output: [a]}", "2:27: x-falco-py.pipe_output: expected a mapping of keys, found a list"),
            ("{pipe_output: {secrt: a}}", "2:28: unknown key 'x-falco-py.pipe_output.secrt' is ignored, did you mean "),
            ("[a]", "2:13: x-falco-py: expected a mapping of keys, found a list"),
        ],
    )
    def test_extensions_are_held_to_what_there_is(self, text, sentence):
        said = problems(f"pipe_output: {{enabled: true, target: t}}\nx-falco-py: {text}")

        assert [one.startswith(f"falco.yaml:{sentence}") for one in said] == [True]

    def test_a_scalar_in_place_of_extensions_is_an_error(self):
        assert "falco.yaml:1:28: expected a mapping of keys" in error("x-falco-py: {pipe_output:  x}")

    def test_a_scalar_is_an_error(self):
        assert 'Config error at key "pipe_output.enabled"' in error("pipe_output: x")

    def test_a_channel_that_is_not_installed_says_so(self):
        assert "no installed plugin has the output channel 'file'" in problems("file_output: {enabled: true}")[0]


def test_names_of_priorities_and_matching_are_read_in_any_case():
    assert settings("priority: iNFO").priority is Priority.INFORMATIONAL
    assert settings("rule_matching: ALL").rule_matching is Matching.ALL


def test_load_plugins_absent_is_not_the_same_as_empty():
    assert not isinstance(settings("").load_plugins, tuple)
    assert settings("load_plugins: ~").load_plugins == ()
    assert settings("load_plugins: [a]").load_plugins == ("a",)


def test_the_schema_has_every_key_and_those_of_channels():
    schema = config_schema({"pipe": Pipe})
    whole = schema["$defs"]["FalcoConfig"]

    assert set(whole["properties"]) == {*configuration.Settings.__struct_fields__, "pipe_output", "x-falco-py"}
    assert set(schema["$defs"]["Extensions"]["properties"]) == {*Extensions.__struct_fields__, "pipe_output"}
    assert "enabled" not in schema["$defs"]["PipeExtension"]["properties"]
    assert schema["$defs"]["Pipe"]["properties"]["enabled"]["type"] == "boolean"
    assert whole["additionalProperties"] is False
    assert schema["$defs"]["Priority"] == {"type": "string", "enum": [one.name.lower() for one in Priority]}


def test_every_key_says_what_it_is_for():
    schema = config_schema({})

    for name, definition in schema["$defs"].items():
        for key, row in definition.get("properties", {}).items():
            assert "description" in row or "$ref" in row, f"{name}.{key}"


yaml_scalars = st.sampled_from(
    ["x", "1", "-1", "true", "~", "''", "[a]", "{a: b}", "[[]]", "0.5", "[{}]", "${A}", '"\\u0000"']
)


@given(st.dictionaries(st.sampled_from(sorted(configuration.Settings.__struct_fields__)), yaml_scalars, max_size=4))
def test_any_value_is_read_or_refused_in_a_sentence(values):
    text = "".join(f"{key}: {value}\n" for key, value in values.items())
    try:
        load(text)
    except ConfigError as refused:
        assert str(refused)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_a_sentence(data):
    try:
        load("", data=data)
    except FalcoError as refused:
        assert str(refused)
