"""Files that are no configuration, or an odd one: a sentence with its place, Falco's exit code, no wait, no traceback."""

import os
import re
import socket
import sys

import pytest
from recorded.command import falco

from falco.documents import files

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
BASE = b"log_stderr: true\nlog_syslog: false\n"


@pytest.fixture
def here(tmp_path):
    (tmp_path / "rules.yaml").write_text("- list: l\n  items: [a]\n")
    return tmp_path


def run(here, name="falco.yaml", *arguments, env=None):
    result = falco(["-c", name, *arguments, "-V", "rules.yaml"], here, env)
    assert "Traceback" not in result.stderr
    assert "fault of falco" not in result.stderr
    return result


REFUSED = {
    "a text": (b"a", "falco.yaml:1:1: expected a mapping of keys, found the text 'a'"),
    "lines of text": (b"|\n  a: b\n", "falco.yaml:1:1: expected a mapping of keys, found the text 'a: b\\n'"),
    "a number": (b"# one\n12\n", "falco.yaml:2:1: expected a mapping of keys, found the text '12'"),
    "an open list": (b"a: [", "falco.yaml:1:5: not YAML: "),
    "an open quote": (b'a: b\nc: "d\n', "falco.yaml:3:1: not YAML: "),
    "two keys on a line": (b"a: b: c\n", "falco.yaml:1:5: not YAML: "),
    "a tab": (b"webserver:\n\tenabled: true\n", "falco.yaml:2:1: not YAML: while scanning for the next token: found"),
    "a NUL": (b"a: b\nc: x\0y\n", "falco.yaml:2:5: a NUL character cannot stand in a YAML file"),
    "a byte of Latin 1": (b"a: b\nc: \xfc\n", "falco.yaml:2:4: byte 0xfc is not UTF-8: save the file as UTF-8"),
    "UTF-16": ("a: b\n".encode("utf-16"), "is not UTF-8"),
    "an alias without an anchor": (b"a: *b\n", "falco.yaml:1:4: alias '*b' has no anchor '&b' before it"),
    "an alias of itself": (b"a: &a [*a]\n", "falco.yaml:1:8: alias '*a' stands inside of what it stands for"),
    "deep lists": (b"[" * 200_000, "falco.yaml:1:1001: not YAML: "),
    "deep blocks": (b"- " * 200_000, "falco.yaml:1:201: collections are nested more than 100 levels deep"),
    "10 MB": (b"#" * 10_000_001, "falco.yaml:1:1: the file has more than 10,000,000 bytes"),
    "an endless variable": (b"priority: ${A}\n", "falco.yaml:1:11: the environment variable 'A' names itself"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused(here, case):
    data, sentence = REFUSED[case]
    (here / "falco.yaml").write_bytes(data)
    result = run(here, env={"A": "x${A}"})

    assert result.code == 1
    assert sentence in result.error
    assert case == "10 MB" or re.search(r"\n +[0-9]+ \| .*\n +\| *\^+$", result.error)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_included_and_cannot_be_read_is_refused_under_its_name(here, case):
    data, sentence = REFUSED[case]
    (here / "falco.yaml").write_bytes(BASE + b"config_files: [more.yaml]\n")
    (here / "more.yaml").write_bytes(data)
    result = run(here, env={"A": "x${A}"})

    assert result.code == 1
    assert sentence.replace("falco.yaml", "more.yaml") in result.error


TAKEN = {
    "nothing": (b"", ()),
    "blank lines": (b"\n\n", ()),
    "null": (b"~\n", ()),
    "an empty mapping": (b"{}\n", ()),
    "a mark and nothing": (b"---\n...\n", ()),
    "a mark for order": (b"\xef\xbb\xbflog_level: info\n", ()),
    "ends of line of Windows": (BASE.replace(b"\n", b"\r\n"), ()),
    "a list": (b"- a\n", ("falco.yaml:1:1: a configuration is a mapping of keys, this sequence sets nothing",)),
    "two documents": (
        BASE + b"---\npriority: error\n",
        ("falco.yaml:4:1: a further document is ignored: one file, one document",),
    ),
    "a key twice": (
        BASE + b"priority: error\npriority: alert\n",
        ("falco.yaml:4:1: key 'priority' stands twice, the first one counts",),
    ),
    "a key twice in a section": (
        BASE + b"webserver:\n  listen_port: 1\n  listen_port: 2\n",
        ("falco.yaml:5:3: key 'webserver.listen_port' stands twice, the first one counts",),
    ),
    "a key twice in an entry": (
        BASE + b"append_output:\n  - extra_output: a\n    extra_output: b\n",
        ("falco.yaml:5:5: key 'append_output[0].extra_output' stands twice, the first one counts",),
    ),
    "an anchor and an alias": (BASE + b"append_output: &a [{extra_output: x}]\nx-mine: *a\n", ()),
    "a merge key": (
        BASE + b"x-a: &a {enabled: true}\nwebserver:\n  <<: *a\n",
        ("falco.yaml:5:3: unknown key 'webserver.<<' is ignored: neither Falco nor this follows merge keys",),
    ),
    "a key that is no text": (
        BASE + b"? [a]\n: b\n",
        ("falco.yaml:3:3: configuration: a key must be a text, this one is ignored",),
    ),
    "lines in place of a truth": (
        BASE + b"json_output: |\n  true\n  false\n",
        ("falco.yaml:3:14: json_output: expected true or false, found 'true\\nfalse\\n'; the default, false, is used",),
    ),
    "a long text in place of a truth": (BASE + b"json_output: " + b"x" * 100_000 + b"\n", (f"found '{'x' * 80}…'",)),
    "a wrong switch of the log": (
        b"log_stderr: maybe\n",
        ("falco.yaml:1:13: log_stderr: expected true or false, found 'maybe'; the default, false, is used",),
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_can_be_read_is_taken_and_said(here, case):
    data, sentences = TAKEN[case]
    (here / "falco.yaml").write_bytes(data)
    result = run(here)

    assert result.code == 0
    for sentence in sentences:
        assert sentence in result.stderr
    assert sentences or "falco.yaml:" not in result.stderr


def test_a_plugin_that_is_not_listed_is_shown_where_it_is_to_be_loaded(here):
    (here / "falco.yaml").write_bytes(BASE + b"plugins: [{name: json}]\nload_plugins: [json, jsn]\n")
    result = run(here)

    assert result.code == 1
    assert result.error.startswith(
        "Cannot load plugin 'jsn': plugin config not found for given name; plugins lists json"
    )
    assert "(falco.yaml:4:22: load_plugins[1])\n    4 | load_plugins: [json, jsn]\n" in result.error


def test_many_problems_are_told_up_to_a_number(here):
    (here / "falco.yaml").write_bytes(BASE + b"".join(b"k%d: v\n" % number for number in range(5_000)))
    result = run(here)

    assert result.code == 0
    assert result.stderr.count("unknown key") == 100
    assert "4,900 further problems of the configuration are not shown" in result.stderr


def test_all_errors_are_told_and_what_is_passed_over_after_them(here):
    (here / "falco.yaml").write_bytes(b"json_output: maybe\nengine: x\npriority: y\nrules: [{}]\nfile_output: z\n")
    error = run(here).error
    found = [line for line in error.splitlines() if "falco.yaml:" in line]

    assert [re.search(r"falco\.yaml:(.)", line)[1] for line in found] == ["4", "2", "3", "5", "1"]
    assert found[1].startswith('Config error at key "engine.kind": falco.yaml:2:9: expected a mapping of keys')
    assert found[4].startswith("falco.yaml:1:14: json_output: expected true or false, found 'maybe'")
    assert error.count("^") == len("^^" + "^" * 1 + "^" + "^" + "^" * 5)


class TestNames:
    """What ``-c`` and ``config_files`` name."""

    def test_nothing_of_that_name(self, here):
        (here / "falco.yml").write_text("")

        assert "Could not find configuration file at falco.yaml (in " in run(here).error
        assert "falco.yml" in run(here).error

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("folder", "Cannot read config file (folder): Is a directory"),
            ("rules.yaml/x", "Cannot read config file (rules.yaml/x): Not a directory"),
            ("x" * 300, "File name too long"),
        ],
    )
    @posix
    def test_what_is_no_file(self, here, name, sentence):
        (here / "folder").mkdir()
        result = run(here, name)

        assert (result.code, sentence in result.error) == (1, True)

    @posix
    def test_a_link_to_itself(self, here):
        (here / "falco.yaml").symlink_to("falco.yaml")

        assert "Too many levels of symbolic links" in run(here).error

    @posix
    def test_a_pipe_that_nobody_writes(self, here, monkeypatch):
        monkeypatch.setattr(files.read_bytes, "__kwdefaults__", files.read_bytes.__kwdefaults__ | {"pipe_s": 0.05})
        os.mkfifo(here / "falco.yaml")
        result = run(here)

        assert result.code == 1
        assert result.error.startswith("Cannot read config file (falco.yaml): it is no file, and nothing has come")

    @posix
    def test_a_device_without_end(self, here):
        assert "the file has more than 10,000,000 bytes" in run(here, "/dev/zero").error

    @posix
    def test_a_socket(self, here):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(here / "s"))
            result = run(here, "s")

        assert (result.code, "Cannot read config file (s): " in result.error) == (1, True)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, here):
        (here / "falco.yaml").touch(mode=0)

        assert "Cannot read config file (falco.yaml): Permission denied" in run(here).error

    @posix
    @pytest.mark.parametrize(
        ("entry", "place"),
        [("x" * 300, "3:16"), ("{path: " + "x" * 300 + "}", "3:23"), ("{path: [a]}", "3:23"), ("[a]", "3:16")],
    )
    def test_entries_that_cannot_be_names(self, here, entry, place):
        (here / "falco.yaml").write_bytes(BASE + f"config_files: [{entry}]\n".encode())
        result = run(here)

        assert (result.code, f"falco.yaml:{place}: config_files" in result.error) == (1, True)

    def test_an_entry_that_is_empty_does_not_include_the_folder(self, here):
        (here / "falco.yaml").write_bytes(BASE + b"config_files: ['', '${NOT_SET}', nowhere.yaml]\n")
        result = run(here)

        assert result.code == 0
        assert "falco.yaml:3:16: config_files[0]: expected the name of a file, found nothing" in result.stderr
        assert "found '' (environment variable NOT_SET, which is not set); nothing is read" in result.stderr
        assert "falco.yaml:3:34: config_files: 'nowhere.yaml' does not exist, nothing is read" in result.stderr
        assert result.stderr.count("schema validation") == 1

    def test_the_option_is_named_that_a_value_came_from(self, here):
        (here / "falco.yaml").write_bytes(BASE)
        arguments = ("-o", "outputs_queue.capacity=-1", "-o", 'append_output[]={"match": {"tags": {}}}')
        result = run(here, "falco.yaml", *arguments)

        assert result.code == 1
        assert result.error.startswith("-o append_output[], character 20: append_output[0].match.tags: expected a list")
        assert "-o outputs_queue.capacity: outputs_queue.capacity: expected a number from 0 to 10000000" in result.error
