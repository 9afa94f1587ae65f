from __future__ import annotations

from typing import ClassVar

import pytest

from falco.conditions import parser
from falco.conditions.check import check
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.documents.text import Text
from falco.fields import evt
from falco.fields.registry import Fields
from falco.testing.decoders import DecoderContract
from falco.testing.fields import FieldContract
from falco.testing.sources import SourceContract
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.fields import FIELDS
from falco_syscall.source import Engine, SyscallSource

SCOPE = Scope("syscall", Fields("syscall", [*evt.fields(source="syscall", hostname="h"), *FIELDS]), BUILT_IN)


def capture() -> CaptureBuilder:
    return (
        CaptureBuilder()
        .user(0, "root")
        .interface("eth0", "10.0.0.5")
        .process(1, "init", ptid=0)
        .process(10, "sh", cwd="/home/", cgroups=["cpu=/lxc/web"], env=["A=1"])
        .file(10, 3, "/etc/x")
        .event("open", 10, fd=4, name="a", flags="O_RDWR|O_CREAT", mode=0o755)
        .event("clone", 10, res=11, comm="sh")
        .event("execve", 11, res=0, exe="/bin/cat", comm="cat", args=["-n"])
        .event("socket", 11, fd=5, domain="AF_INET", type=1)
        .event("connect", 11, res=0, fd=5, tuple=("10.0.0.5", 4000, "1.2.3.4", 443))
        .event("write", 11, res=2, data=b"hi", fd=5, size=2)
        .event("GENERIC_X", 11, ID="rt_sigaction", nativeID=13)
        .event("asyncevent", -1, plugin_id=0, name="container", data=b'{"id": "web"}\0')
        .event("renameat2", 11, res=0, olddirfd="AT_FDCWD", oldpath="a", newdirfd="AT_FDCWD", newpath="b")
        .event("poll", 11, res=1, fds=b"\1\0\5\0\0\0\0\0\0\0\1\0")
        .event("procexit", 11)
        .event("close", 77, res=0, fd=3)
        .event("switch", 78)
        .event("procinfo", 10)
    )


class TestDecoder(DecoderContract):
    fields = FIELDS

    @pytest.fixture
    def make_decoder(self):
        return SyscallDecoder

    @pytest.fixture
    def batches(self):
        items = list(capture().reader())
        return [items[:8], items[8:9], [], items[9:]]


class TestFields(FieldContract):
    fields = FIELDS
    arguments: ClassVar[dict[str, list[str]]] = {
        "evt.type.is": [".open"],
        "evt.arg": [".flags", "0"],
        "evt.rawarg": [".fd"],
        "thread.cgroup": [".memory"],
    }

    @pytest.fixture
    def events(self):
        return [event for number, event in enumerate(SyscallDecoder().events(list(capture().reader()))) if number == 4]

    def test_all_events(self):
        for event in SyscallDecoder().events(list(capture().reader())):
            self.test_values_have_the_declared_type([event])


class TestSource(SourceContract):
    def items(self, batch):
        return [batch.data[head:end] for head, end in zip(batch.heads, batch.ends, strict=True)]

    @pytest.fixture
    def make_source(self, tmp_path):
        builder = capture()
        for _ in range(3000):
            builder.event("close", 10, res=0, fd=3)
        path = builder.write(tmp_path / "t.scap")
        return lambda: SyscallSource(Engine("replay"), str(path))


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("evt.num = 0", False),
        ("evt.num < 1", False),
        ("evt.num <= 0", False),
        ("evt.num >= 0", True),
        ("evt.num > 0", True),
        ("evt.num != 0", True),
        ("evt.num = 1", None),
        ("evt.num < 2", None),
        ("proc.pid = 0", None),
        ("evt.num = val(evt.num)", None),
    ],
)
def test_never_and_always_are_known_before_the_event(condition: str, truth: bool | None) -> None:
    checked = check(parser.parse(Text.of(condition)), SCOPE)

    assert SyscallDecoder.assume(checked.condition) is truth


def test_a_new_section_forgets_the_machine_but_counts_on() -> None:
    first, second = (list(CaptureBuilder().process(10, name).event("close", 10, fd=3).reader()) for name in ("a", "b"))
    second[-1].num = 2
    decoder = SyscallDecoder()

    seen = [(event.num, event.thread and event.thread.comm) for event in decoder.events([*first, *second])]
    assert seen == [(1, "a"), (2, "b")]
    assert decoder.count == 2


def test_what_is_not_kept_is_counted() -> None:
    builder = CaptureBuilder().process(10, "a")
    for fd in range(4100):
        builder.event("open", 10, fd=fd, name="/x")
    decoder = SyscallDecoder()
    for _ in decoder.events(list(builder.reader())):
        pass

    assert decoder.counters() == {"descriptors beyond the limit": 4}
