import pytest

from falco.fields.model import Argument, Field, FieldClass, FieldType
from falco.fields.registry import FieldError, Fields

NATIVE = FieldClass("native", is_native=True)


def field(name, **properties):
    return Field(name, lambda argument: lambda event: (name, argument), doc="A field.", **properties)


def positive(argument):
    if argument is not None and argument.startswith("-"):
        raise ValueError(f"{argument} is not a valid number")
    return lambda _event: argument


def dotted(rest):
    if rest == ".bad":
        raise ValueError("unknown event argument bad")
    return rest[1:] if rest.startswith(".") else None


FIELDS = Fields(
    "test",
    (
        field("ka.verb"),
        field("ka.user.name"),
        field("ka.user"),
        field("ka.param", argument=Argument.KEY),
        field("ka.image", argument=Argument.OPTIONAL_INDEX),
        field("ka.both", argument=Argument.OPTIONAL_INDEX_OR_KEY),
        field("proc.name", group=NATIVE),
        field("proc.args", group=NATIVE, argument=Argument.OPTIONAL_INDEX),
        field("proc.env", group=NATIVE, argument=Argument.OPTIONAL_KEY),
        field("evt.arg", group=NATIVE, argument=Argument.KEY, spelling=dotted),
        Field("evt.checked", positive, argument=Argument.OPTIONAL_KEY, group=NATIVE, doc="Checks its argument."),
    ),
)


def problem(name, argument=None):
    with pytest.raises(FieldError) as caught:
        FIELDS.use(name, argument)
    return caught.value


@pytest.mark.parametrize(
    ("name", "argument", "text"),
    [
        ("ka.verb", None, "ka.verb"),
        ("ka.user.name", None, "ka.user.name"),
        ("ka.param", "a/b=c", "ka.param[a/b=c]"),
        ("ka.param", "", "ka.param[]"),
        ("ka.image", None, "ka.image"),
        ("ka.image", "0", "ka.image[0]"),
        ("ka.image", "18446744073709551615", "ka.image[18446744073709551615]"),
        ("ka.both", "01", "ka.both[01]"),
        ("proc.args", "01", "proc.args[01]"),
        ("proc.args", "-1", "proc.args[-1]"),
        ("proc.env", "PATH", "proc.env[PATH]"),
        ("evt.arg", "flags", "evt.arg[flags]"),
        ("evt.arg.flags", None, "evt.arg[flags]"),
    ],
)
def test_a_use_is_the_field_with_its_argument(name, argument, text):
    use = FIELDS.use(name, argument)

    assert use.text == text
    assert use.field.bind(use.argument)("event") == (use.name, use.argument)


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("ka.verb", "x", "filter 'ka.verb[x]': ka.verb does not allow nor require an argument but one is provided: x"),
        ("ka.param", None, "filter 'ka.param': ka.param requires an argument but none provided"),
        ("ka.param.x", None, "filter 'ka.param.x': ka.param requires an argument but none provided"),
        ("ka.paramx", "a", "filter_check called with nonexistent field ka.paramx[a]"),
        ("ka.param", "a b", "filter 'ka.param[a': ka.param has unbalanced argument brackets"),
        ("ka.param", "a]b", "filter_check called with nonexistent field ka.param[a]b]"),
        ("ka.image", "01", "filter ka.image[01] ka.image has an invalid index argument starting with 0: 01"),
        ("ka.image", "", "filter ka.image[] ka.image has an invalid index argument starting with 0: "),
        (
            "ka.image",
            "0x1",
            "filter ka.image[0x1] ka.image has an invalid index argument not composed only by digits: 0x1",
        ),
        ("ka.image", "²", "filter ka.image[²] ka.image has an invalid index argument not composed only by digits: ²"),
        (
            "ka.image",
            "18446744073709551616",
            "filter ka.image[18446744073709551616] ka.image has an invalid index argument not representable on 64 bit: 18446744073709551616",
        ),
        ("ka.verbs", None, "filter_check called with nonexistent field ka.verbs"),
        ("x.y", "k", "filter_check called with nonexistent field x.y[k]"),
        ("proc.name", "0", "filter_check called with nonexistent field proc.name[0]"),
        ("proc.args", "x", "filter_check called with nonexistent field proc.args[x]"),
        ("proc.env.PATH", None, "filter_check called with nonexistent field proc.env.PATH"),
        ("evt.arg", None, "filter syntax error: evt.arg"),
        ("evt.args", None, "filter_check called with nonexistent field evt.args"),
        ("evt.arg.bad", None, "unknown event argument bad"),
        ("evt.arg.flags", "0", "filter_check called with nonexistent field evt.arg.flags[0]"),
        ("evt.checked", "-1", "-1 is not a valid number"),
    ],
)
def test_what_is_no_field_or_argument_is_refused_with_falcos_sentence(name, argument, message):
    assert problem(name, argument).message == message


def test_the_closest_names_are_suggested():
    assert problem("ka.user.nam").hint == "did you mean 'ka.user.name' or 'ka.user'?"
    assert problem("ka.verbb").hint == "did you mean 'ka.verb'?"
    assert problem("zzz.qqq").hint == "'falco --list=test' shows the fields"


def test_a_field_of_another_event_source_is_called_that():
    sources = {}
    sources["one"] = Fields("one", (field("fd.name"),), sources)
    sources["two"] = Fields("two", FIELDS, sources)

    def hint(name):
        with pytest.raises(FieldError) as raised:
            sources["one"].use(name)
        return raised.value.hint

    assert hint("ka.verb") == "a field of event source 'two', not of 'one'; rules for it say 'source: two'"
    assert "event source 'two'" in hint("evt.arg.flags")
    assert hint("fd.nam") == "did you mean 'fd.name'?"


def test_of_two_fields_with_a_name_the_later_replaces_the_earlier():
    fields = Fields("test", (field("a.b"), field("c.d"), field("a.b", type=FieldType.BOOL)))

    assert [found.name for found in fields] == ["a.b", "c.d"]
    assert fields.use("a.b").type is FieldType.BOOL
    assert fields.get("a.b") is next(iter(fields))
    assert fields.get("a") is None
    assert len(fields) == 2


def test_a_type_that_depends_on_the_argument_is_checked_with_it():
    def type_of(argument):
        if argument == "sig":
            raise ValueError("wrong parameter type 19")
        return FieldType.UINT32

    fields = Fields("test", (field("evt.rawarg", group=NATIVE, argument=Argument.KEY, type_of=type_of),))

    assert fields.use("evt.rawarg", "fd").type is FieldType.UINT32
    with pytest.raises(FieldError, match="wrong parameter type 19"):
        fields.use("evt.rawarg", "sig")


def test_a_long_unknown_name_costs_no_search():
    assert problem("a" * 1_000_000 + ".b").message.startswith("filter_check called with nonexistent field aaa")
