"""What the talk that introduced audit events shows works: its two rules, its sample event, its field names.

The slides themselves are read where they lie and skipped where they are not; the same again in our own words always
runs.  A slide breaks long lines without indenting the rest, which no YAML reader takes: such lines are joined first.
"""

import json
import re

import pytest

from falco import RuleError
from falco_syscall.capture.builder import CaptureBuilder

CREDENTIALS = """
- macro: holds_a_key
  condition: (ka.req.configmap.obj contains "aws_access_key_id" or ka.req.configmap.obj contains "password")
- macro: config_map
  condition: ka.target.resource=configmaps
- macro: written
  condition: (ka.verb in (create,update,patch))
- rule: Key in Config Map
  desc: Somebody puts a key where many can
    read it
  condition: config_map and written and holds_a_key
  output: Config map with a key (user=%ka.user.name
    verb=%ka.verb name=%ka.req.configmap.name content=%ka.req.configmap.obj)
  priority: WARNING
  source: k8s_audit
  tags: [k8s]
"""
BINARIES = """
- rule: Program Overwritten
  desc: A file among the programs is opened for writing.
  condition: evt.type=open and evt.is_open_write=true and fd.directory in (/bin, /usr/bin)
  output: >
    A program was opened for writing (user=%user.name
    command=%proc.cmdline file=%fd.name)
  priority: WARNING
"""
POINTERS = """
- rule: Deleted
  desc: The same value by pointer and by name.
  condition: jevt.value[/verb] = delete and ka.verb = delete
  output: >
    %jevt.value[/verb] %jevt.value[/objectRef/resource] %ka.target.resource %jevt.value[/responseStatus/code]
    %jevt.time.iso8601
  priority: INFO
  source: k8s_audit
"""
OLD_EVENT = {
    "kind": "Event",
    "timestamp": "2018-11-02T08:15:30Z",
    "stage": "ResponseComplete",
    "verb": "delete",
    "requestURI": "/api/v1/namespaces/shop",
    "user": {"username": "dana"},
    "responseStatus": {"code": 200},
    "objectRef": {"resource": "namespaces", "namespace": "shop"},
    "auditID": "00000000-0000-4000-8000-000000000001",
}
"""As clusters wrote events in 2018: the one time stamp is ``timestamp``."""


def config_map(verb, data):
    reference = {"resource": "configmaps", "namespace": "shop", "name": "settings"}
    content = {"metadata": {"name": "settings"}, "data": data}
    return {**OLD_EVENT, "verb": verb, "objectRef": reference, "requestObject": content}


KEYS = [
    config_map("create", {"a.ini": "password = x"}),
    config_map("patch", {"a.ini": "aws_access_key_id = x"}),
    config_map("create", {"colour": "blue"}),
    config_map("delete", {"a.ini": "password = x"}),
    {**config_map("create", {"a.ini": "password = x"}), "objectRef": {"resource": "secrets"}},
]


def writes(tmp_path):
    """A capture of a shell that opens files: two programs for writing, one for reading, and one somewhere else."""
    opened = (("/bin/ls", "O_WRONLY"), ("/usr/bin/env", "O_RDWR"), ("/bin/cat", "O_RDONLY"), ("/tmp/ls", "O_WRONLY"))
    builder = CaptureBuilder().user(0, "root").process(10, "sh", cwd="/")
    for number, (name, flags) in enumerate(opened, 3):
        builder = builder.event("open", 10, fd=number, name=name, flags=flags, mode=0)
    return str(builder.write(tmp_path / "writes.scap"))


# ---- in our own words ----


def test_keys_in_config_maps_are_seen(run_rules):
    found = run_rules(CREDENTIALS, KEYS, source="k8s_audit")

    assert [alert.num for alert in found] == [1, 2]
    assert found[0].text == (
        "08:15:30.000000000: Warning Config map with a key (user=dana verb=create name=settings "
        r"content={\"a.ini\":\"password = x\"})"
    )


def test_an_event_of_2018_has_a_time_and_pointers_reach_its_values(run_rules):
    (alert,) = run_rules(POINTERS, [OLD_EVENT], source="k8s_audit")

    assert alert.message == "delete namespaces namespaces 200 2018-11-02T08:15:30.000000000+0000"


def test_programs_opened_for_writing_are_seen(run_rules, tmp_path):
    found = run_rules(BINARIES, open_params=writes(tmp_path), source="syscall")

    assert [alert.message.rpartition("user=")[2] for alert in found] == [
        "root command=sh file=/bin/ls)",
        "root command=sh file=/usr/bin/env)",
    ]


# ---- as printed ----


@pytest.fixture(scope="module")
def slides(request):
    """The code blocks of the talk."""
    path = request.config.getoption("--oracle").parent / "upstream" / "talk-2019.txt"
    if not path.is_file():
        pytest.skip(f"the talk is not there: {path}")
    return re.findall(r"^```\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def slide(slides, *words):
    """The first code block with all of *words*, its broken lines joined."""
    found = next(block for block in slides if all(word in block for word in words))
    return re.sub(r"\n {0,2}(?![ \n]|- |\w+:)", " ", found)


def test_the_rule_about_credentials_works_as_printed(slides, run_rules):
    rules = slide(slides, "Create/Modify Configmap With Private Credentials")

    found = run_rules(rules, KEYS, source="k8s_audit")

    assert [alert.num for alert in found.of_rule("Create/Modify Configmap With Private Credentials")] == [1, 2]
    assert found[0].message == (
        "K8s configmap with private credential (user=dana verb=create name=settings configmap=settings "
        'config={"a.ini":"password = x"})'
    )
    assert found.warnings == ()


def test_the_sample_event_is_read_as_printed(slides, run_rules):
    event = slide(slides, '"auditID"', '"timestamp"')
    assert "stageTimestamp" not in json.loads(event)

    (alert,) = run_rules(POINTERS, [event], source="k8s_audit")

    assert alert.message == "delete namespaces namespaces 200 2018-10-26T13:00:25.000000000+0000"


def test_the_rule_about_programs_works_as_printed(slides, run_rules, tmp_path):
    rules = slide(slides, "Write Below Binary Dir", "open and evt")

    found = run_rules(rules, open_params=writes(tmp_path), source="syscall").of_rule("Write Below Binary Dir")

    assert [alert.message.partition(" (")[0] for alert in found] == [
        "File below a known binary directory opened for writing"
    ] * 2


def test_the_rule_about_programs_finds_nothing_below_tmp_until_told_to(slides, run_rules, oracle):
    rules = slide(slides, "Write Below Binary Dir", "open and evt")
    capture = str(oracle / "syscall" / "captures" / "write_tmp_test.scap")

    assert run_rules(rules, open_params=capture, source="syscall").count == 0
    (alert,) = run_rules(rules.replace("/usr/bin", "/tmp"), open_params=capture, source="syscall")
    assert alert.message.endswith("(user=root command=bash file=/tmp/test)")


def test_a_slip_on_a_slide_is_shown_with_its_place(slides, run_rules, tmp_path):
    rules = next((slide([block], "and and") for block in slides if "and and" in block), None)
    if rules is None:
        pytest.skip("no slide has it")

    with pytest.raises(RuleError, match=r"3:\d+: error\[LOAD_ERR_COMPILE_CONDITION\]"):
        run_rules(rules, open_params=writes(tmp_path), source="syscall")
