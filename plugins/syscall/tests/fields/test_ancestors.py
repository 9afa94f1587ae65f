"""What is odd in Falco's answers about parents, and copied."""

from falco.conditions import parser
from falco.documents.text import Text
from falco.fields.registry import Fields
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.fields import FIELDS


def test_of_a_parent_whose_start_nobody_saw_the_duration_is_the_number_of_open_descriptors(see) -> None:
    capture = (
        CaptureBuilder()
        .process(10, "sh")
        .process(11, "cat", ptid=10)
        .file(11, 0, "/a")
        .file(11, 1, "/b")
        .event("close", 11, fd=9)
        .event("close", 10, fd=9)
    )

    assert see(capture, "proc.ppid.duration") == [2, None]


def test_an_output_shows_an_empty_environment_where_only_the_number_of_the_thread_is_known() -> None:
    operand = parser.parse_operand(Text.of("proc.aenv[1]"))
    use = Fields("syscall", FIELDS).use(operand.name, operand.argument)
    assert use.field.shown is not None
    shown = use.field.shown(use.argument)
    capture = CaptureBuilder().process(10, "sh").event("close", 77, fd=9).event("close", 10, fd=9)

    assert [shown(event) for event in SyscallDecoder().events(list(capture.reader()))] == ["", None]
