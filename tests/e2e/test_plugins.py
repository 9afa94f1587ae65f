"""Plugins of several distributions, each made for the test: what they add, and errors that name both of two that clash."""

import os
import subprocess
import sys

import pytest

CONFIG = """\
plugins:
  - {name: one, library_path: libone.so, open_params: log}
  - {name: two, library_path: libtwo.so}
engine: {kind: nodriver}
log_syslog: false
rules_files: [rules.yaml]
stdout_output: {enabled: true}
"""
DECODER = """
class Decoder(falco.EventList):
    event_source = "log"

@falco.hookimpl
def falco_register_decoders():
    return [Decoder]
"""
SOURCE = """
class Lines(falco.Source):
    event_source = "log"

    def batches(self):
        return iter(())

@falco.hookimpl
def falco_register_sources():
    return [Lines]
"""
FIELDS = """
@falco.hookimpl
def falco_register_fields(source):
    return [falco.Field("log.line", lambda _: lambda event: "a", doc="A line.")] if source == "log" else []
"""
TRANSFORMER = """
@falco.hookimpl
def falco_register_transformers():
    from falco.conditions.transformers import BUILT_IN
    return [dataclasses.replace(BUILT_IN["tolower"], name="shout")]
"""
OUTPUT = """
class Output(falco.Output):
    name = "pager"
    config_type = msgspec.Struct

    def write(self, alert): ...

@falco.hookimpl
def falco_register_outputs():
    return [Output]
"""

COMMANDS = """
import click

@click.command()
@click.argument("word")
def shout(word):
    click.echo(word.upper())

@falco.hookimpl
def falco_register_commands():
    return [shout]
"""

FORMATTER = """
class Shouted(falco.Formatter):
    name = "shouted"

    def prepare(self, template):
        return lambda alert: template.rule.upper()

@falco.hookimpl
def falco_register_formatters():
    return [Shouted]
"""
ONE_LINE = SOURCE.replace("iter(())", "iter([[falco.Event(time_ns=1)]])")


@pytest.fixture
def installed(tmp_path):
    """A function (distribution, plugin, text of its module): installed as far as entry points can tell."""

    def install(distribution, plugin, text):
        module = f"plugin_of_{distribution[-1]}"
        (tmp_path / f"{module}.py").write_text(f"import dataclasses\nimport msgspec\nimport falco\n{text}")
        escaped = distribution.replace("-", "_")
        folder = tmp_path / f"{escaped}-1.0.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0.0\n")
        (folder / "entry_points.txt").write_text(f"[falco.plugins]\n{plugin} = {module}\n")

    return install


@pytest.fixture
def falco(tmp_path):
    """A function (arguments): the program in a process that sees the plugins; its exit code and its error."""
    (tmp_path / "falco.yaml").write_text(CONFIG)
    (tmp_path / "rules.yaml").write_text(
        "- {rule: A, desc: d, condition: log.line = a, output: o, priority: INFO, source: log}\n"
    )

    def run(*arguments, starts=""):
        command = [sys.executable, "-m", "falco", "-c", "falco.yaml", *arguments]
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.stdout.startswith(starts)
        return ended.returncode, ended.stderr.partition("Error: ")[2].rstrip("\n")

    return run


def test_plugins_that_go_together_run(installed, falco):
    installed("dist-a", "one", SOURCE + DECODER)
    installed("dist-b", "two", FIELDS)

    assert falco() == (0, "")


def test_a_plugin_adds_commands(installed, falco):
    installed("dist-a", "one", COMMANDS)

    assert falco("shout", "hello", starts="HELLO\n") == (0, "")


def test_a_plugin_brings_a_format_that_the_configuration_names(installed, falco):
    installed("dist-a", "one", ONE_LINE + FORMATTER)
    installed("dist-b", "two", FIELDS)

    assert falco("-o", "x-falco-py.formatter=shouted", starts="A\nEvents detected: 1\n") == (0, "")
    code, error = falco("-o", "x-falco-py.formatter=cef")
    sentence, _, excerpt = error.partition("\n")
    assert (code, excerpt) == (1, "    1 | cef\n      | ^^^")
    assert sentence == (
        "there is no formatter 'cef'; installed: text, json, shouted (-o x-falco-py.formatter: x-falco-py.formatter)"
    )


def test_two_distributions_with_a_plugin_of_one_name(installed, falco):
    installed("dist-a", "one", SOURCE)
    installed("dist-b", "one", SOURCE)

    assert falco() == (
        1,
        "found another plugin with name one: distributions 'dist-a' and 'dist-b' both have it; uninstall one of them",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (DECODER, "decoder of event source 'log' is provided by plugin 'one' and plugin 'two'"),
        (
            FIELDS,
            "Plugin 'two' supports extraction of field 'log.line' that is overlapping for source 'log': plugin 'one' has it too",
        ),
        (TRANSFORMER, "transformer 'shout' is provided by plugin 'one' and plugin 'two'"),
        (OUTPUT, "output channel 'pager' is provided by plugin 'one' and plugin 'two'"),
    ],
    ids=["decoder", "field", "transformer", "output"],
)
def test_two_plugins_that_bring_the_same(installed, falco, text, sentence):
    installed("dist-a", "one", SOURCE + text)
    installed("dist-b", "two", text)

    assert falco() == (1, sentence)


def test_a_plugin_that_cannot_be_imported_is_named_with_its_distribution(installed, falco):
    installed("dist-a", "one", "import no_such_module\n")
    installed("dist-b", "two", FIELDS)

    code, sentence = falco()

    assert code == 1
    assert sentence.startswith("plugin 'one' of distribution 'dist-a' cannot be loaded (plugin_of_a): Module")


def test_a_misspelt_hook_is_named(installed, falco):
    installed("dist-a", "one", SOURCE.replace("falco_register_sources", "falco_register_source"))
    installed("dist-b", "two", FIELDS)

    code, sentence = falco()

    assert code == 1
    assert sentence.startswith("plugin 'one' of distribution 'dist-a': unknown hook 'falco_register_source'")
