from falco_syscall.capture.event_table import CODES
from falco_syscall.capture.linux import SYSCALLS
from falco_syscall.catalogue.events import CATALOGUE, GENERIC_EXIT, event_code

BY_CODE = {event_type.code: event_type for event_type in CATALOGUE.types}


def codes(name: str) -> set[int]:
    return {event_type.code for event_type in CATALOGUE.types if event_type.name == name}


def test_codes_are_unique() -> None:
    assert len(BY_CODE) == len(CATALOGUE.types)


def test_an_event_of_the_table_keeps_its_code() -> None:
    assert event_code(CODES["SYSCALL_OPEN_X"], 0) == CODES["SYSCALL_OPEN_X"]
    assert codes("open") == {CODES["SYSCALL_OPEN_E"], CODES["SYSCALL_OPEN_X"]}


def test_a_generic_system_call_has_event_types_of_its_own() -> None:
    code = event_code(GENERIC_EXIT, SYSCALLS.index("rt_sigaction"))

    assert BY_CODE[code].name == "rt_sigaction"
    assert BY_CODE[code].is_exit
    assert BY_CODE[code].stored_code == GENERIC_EXIT
    assert len(codes("rt_sigaction")) == 2


def test_other_names_of_calls_are_aliases() -> None:
    assert {"pread64", "prlimit64", "sched_process_exit", "container_removed"} <= CATALOGUE.aliases
    assert not CATALOGUE.aliases & {event_type.name for event_type in CATALOGUE.types}


def test_plain_input_and_output_is_not_evaluated_by_default() -> None:
    assert {t.name for t in CATALOGUE.types if not t.is_default} == {
        *("read", "readv", "pread", "preadv", "recv"),
        *("write", "writev", "pwrite", "pwritev", "send", "sendfile"),
    }


def test_asynchronous_events_are_always_evaluated() -> None:
    assert {BY_CODE[code].name for code in CATALOGUE.always} == {"asyncevent"}
