"""A small event source, and a loader for it."""

import pytest

from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields.model import Field, FieldFlag, FieldType
from falco.fields.registry import Fields
from falco.rules.loader import RuleLoader


def nothing(_argument):
    return lambda _event: None


def field(name, type_=FieldType.STRING, **more):
    return Field(name, nothing, type=type_, **more)


def scope(source="syscall"):
    fields = [
        field("proc.name"),
        field("proc.args", is_list=True),
        field("proc.pid", FieldType.INT64),
        field("fd.name", flags=frozenset({FieldFlag.SUGGESTED})),
        field("evt.num", FieldType.UINT64),
        field("evt.dir"),
    ]
    return Scope(source, Fields(source, fields), BUILT_IN)


@pytest.fixture
def scopes():
    return {"syscall": scope(), "other": scope("other")}


@pytest.fixture
def load(scopes):
    """Load one file and answer with the loader and the result."""

    def _load(text, **options):
        loader = RuleLoader(scopes, **options)
        return loader, loader.load("rules.yaml", text.encode())

    return _load
