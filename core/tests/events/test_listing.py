import json

from falco.events import listing
from falco.events.catalogue import EventCatalogue, EventCategory, EventParameter, EventType

CATALOGUE = EventCatalogue(
    event_source="test",
    schema_version="7",
    types=(
        EventType(
            3,
            "read",
            EventCategory.SYSCALL,
            is_exit=True,
            is_listed=True,
            is_default=False,
            parameters=(EventParameter("fd", "FD"), EventParameter("flags", "FLAGS32", ("A", "B"))),
        ),
        EventType(4, "old", EventCategory.SYSCALL, is_exit=True, is_listed=False, is_default=True),
        EventType(5, "drop", EventCategory.META, is_exit=False, is_listed=True, is_default=True),
    ),
)


def test_text_has_a_section_a_category() -> None:
    assert listing.events_text(CATALOGUE) == (
        "The events below are valid for Falco *Schema Version*: 7\n"
        "## Syscall events\n\n< read(FD **fd**, FLAGS32 **flags**: A, B)\n\n"
        "## Tracepoint events\n\n\n## Plugin events\n\n\n## Metaevents\n\n> drop()\n\n"
    )


def test_markdown_says_what_is_evaluated_by_default() -> None:
    text = listing.events_markdown(CATALOGUE)

    assert "\nNo | `<` | `read` | FD **fd**, FLAGS32 **flags**: *A*, *B*\n" in text
    assert "\nYes | `>` | `drop` | \n" in text
    assert "old" not in text


def test_json_has_flags_only_where_there_are_some() -> None:
    document = json.loads(listing.events_json(CATALOGUE))

    assert document["schema_version"] == "7"
    assert document["Syscall events"] == [
        {
            "available": False,
            "dir": "<",
            "name": "read",
            "params": [{"name": "fd", "type": "FD"}, {"name": "flags", "type": "FLAGS32", "flags": ["A", "B"]}],
        }
    ]


def test_ignored_are_those_that_are_not_evaluated_by_default() -> None:
    assert listing.ignored_text(CATALOGUE) == "Ignored syscall(s):\n- read\n\n"
