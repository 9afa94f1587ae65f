import pytest

from falco.fields import Argument, FieldFlag, FieldFormat, FieldType, FieldUse, Quantifier
from falco_syscall.catalogue.arguments import SPELLINGS, name_of, rawarg_refusal, rawarg_type
from falco_syscall.catalogue.fields import definitions, fields

BY_NAME = {field.name: field for field in definitions()}


def test_every_field_has_a_class_and_a_description() -> None:
    assert [field.name for field in BY_NAME.values() if not field.doc or field.group is None] == []
    assert len(BY_NAME) == len(definitions()) == 276


def test_properties_are_read_from_their_words() -> None:
    assert BY_NAME["fd.dev"].format is FieldFormat.HEX
    assert BY_NAME["evt.deltatime.ns"].format is FieldFormat.PADDED_9
    assert BY_NAME["fd.ip"].quantifier is Quantifier.EITHER
    assert BY_NAME["fd.ip"].flags == {FieldFlag.NO_RHS, FieldFlag.NO_TRANSFORMER, FieldFlag.FILTER_ONLY}
    assert BY_NAME["proc.aname"].quantifier is Quantifier.ANY
    assert BY_NAME["fd.types"].is_list
    assert BY_NAME["container.mount"].argument is Argument.INDEX_OR_KEY


def test_the_suggested_output_is_that_of_the_container_plugin() -> None:
    assert [field.name for field in definitions() if FieldFlag.SUGGESTED in field.flags] == [
        "container.id",
        "container.name",
        "container.image.repository",
        "container.image.tag",
        "k8s.pod.name",
        "k8s.ns.name",
    ]


def test_binders_must_match_the_definitions() -> None:
    binders = {name: lambda _argument: lambda _event: None for name in BY_NAME}
    del binders["fd.num"]
    binders["fd.nmu"] = binders["fd.name"]

    with pytest.raises(ValueError, match=r"without a binder: \['fd.num'\].*without a field: \['fd.nmu'\]"):
        fields(binders, {})


def test_arguments_follow_a_dot() -> None:
    assert SPELLINGS["evt.arg"](".flags") == ".flags"
    assert SPELLINGS["evt.arg"](".names") is None
    assert SPELLINGS["thread.cgroup"](".memory") == ".memory"
    assert SPELLINGS["evt.abspath"](".mid") is None
    with pytest.raises(ValueError, match="unknown event argument nosuch"):
        SPELLINGS["evt.arg"](".nosuch")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("flags", FieldType.FLAGS32),
        ("fd", FieldType.FD),
        ("res", FieldType.ERRNO),
        ("path", FieldType.FSPATH),
        ("size", FieldType.UINT32),
        ("data", FieldType.DYNAMIC),
        ("sig", FieldType.DYNAMIC),
    ],
)
def test_a_raw_argument_has_the_type_of_its_parameter(argument: str, expected: FieldType) -> None:
    assert rawarg_type(f".{argument}") is expected
    assert FieldUse("evt.rawarg", f".{argument}", BY_NAME["evt.rawarg"]).type is expected


@pytest.mark.parametrize(("argument", "expected"), [(".sig", "wrong parameter type 19"), (".fd", "")])
def test_what_cannot_be_compared_is_refused_in_falco_s_words(argument: str, expected: str) -> None:
    assert rawarg_refusal(argument) == expected


def test_a_name_in_brackets_is_no_name() -> None:
    with pytest.raises(ValueError, match=r"^filter syntax error: thread.cgroup\[memory\]$"):
        name_of("thread.cgroup", "memory")
    assert name_of("thread.cgroup", ".memory") == "memory"
