"""The syscall source for recorded cases: its scope, its captures, its events."""

import gzip
import json
from functools import cache

from falco.conditions.event_types import EventTypes
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.registry import Fields
from falco.ruleset import Ruleset
from falco_syscall.capture import CaptureReader
from falco_syscall.catalogue import CATALOGUE
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.fields import FIELDS

HOSTNAME = "test-host"


@cache
def scope(hostname=HOSTNAME):
    """What rules for system calls may refer to."""
    generic = evt.fields(source="syscall", hostname=hostname)
    return Scope("syscall", Fields("syscall", [*generic, *FIELDS]), BUILT_IN, EventTypes(CATALOGUE))


def lines(path):
    """The objects of a file of JSON lines, packed or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def events(path):
    """The events of a capture that are shown, each valid until the next."""
    yield from SyscallDecoder().events(CaptureReader(path))


def ruleset(rules, *, first_only):
    """The rules compiled for the decoder."""
    decoder = SyscallDecoder
    return Ruleset(rules, dispatch=decoder.dispatch, assume=decoder.assume, first_only=first_only)


def candidates(path, rules):
    """(residual, event) of the events of a capture that are shown."""
    yield from SyscallDecoder().select(CaptureReader(path), rules)


def captures(oracle, kind):
    """Names of the captures for which there are recorded answers of one kind."""
    folder = oracle / "syscall"
    named = {path.name.split(".")[1 if kind == "conditions" else 0] for path in (folder / kind).glob("*.*.jsonl.gz")}
    return sorted(name for name in named if (folder / "captures" / f"{name}.scap").exists())
