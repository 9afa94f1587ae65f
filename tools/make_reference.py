"""Writes the pages of docs that are made from code and data.

    python tools/make_reference.py            write them
    python tools/make_reference.py --check    say which are not up to date, exit 1 if any

Pages: docs/reference/{fields-SOURCE,hooks,configuration,command-line}.md and docs/explanation/differences.md.
"""

from __future__ import annotations

import inspect
import io
import sys
import tomllib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from falco.cli import main as main_of_falco
from falco.config.merge import EXTENSIONS
from falco.config.settings import Effect, Extensions, Settings
from falco.config.values import expected
from falco.fields import Field, FieldFlag
from falco.plugins import hookspecs
from falco.plugins.manager import PluginManager

ROOT = Path(__file__).parents[1]
DIFFERENCES = ROOT / "tests/conformance/differences.toml"
SECTIONS = {
    "k8s_audit/k8s": "Kubernetes audit events",
    "k8s_audit/conditions": "Conditions",
    "k8s_audit/validation": "Rule files",
    "k8s_audit/output": "Configuration, command line and alerts",
    "conformance": "Falco's own test suites",
    "syscall": "System calls",
}
"""Prefix of a suite → heading, in the order of the page."""
_KINDS = {
    "bool": "true or false",
    "custom": "text",
    "dict": "mapping",
    "str": "text",
    "vartuple": "list",
}
"""Words for msgspec's names of types."""


def pages() -> Iterator[tuple[str, str]]:
    """Path below docs/ and text of each page."""
    manager = PluginManager.of_environment()
    for source in ("k8s_audit", "syscall"):
        fields = [field for _, field in manager.collect("falco_register_fields", source=source)]
        yield f"reference/fields-{source}.md", fields_page(source, fields)
    yield "reference/hooks.md", hooks_page()
    yield "reference/configuration.md", configuration_page(manager)
    yield "reference/command-line.md", command_line_page()
    yield "explanation/differences.md", differences_page()


def fields_page(source: str, fields: Iterable[Field[Any]]) -> str:
    """The fields that plugins give to *source*."""
    rows = [
        (f"`{field.name}{_argument(field)}`", _type(field), _cell(field.doc))
        for field in fields
        if not field.flags & {FieldFlag.HIDDEN, FieldFlag.TABLE_ONLY, FieldFlag.DEPRECATED}
    ]
    intro = f"`falco list fields {source}` prints these and the fields of every event (`evt.*`)."
    return _page(f"Fields of {source}", intro, _table(("field", "type", "meaning"), rows))


def hooks_page() -> str:
    """The hook specs with their signatures."""
    parts = []
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("falco_"):
            parts.append(f"## {name}\n\n```python\ndef {name}{_signature(function)}\n```\n\n{inspect.getdoc(function)}")
    intro = (
        "A plugin is a module behind an entry point of the group `falco.plugins`. It implements any of these hooks,\n"
        "each marked with `falco.hookimpl`. Hooks register; nothing is called per event but what they return."
    )
    return _page("Hooks", intro, "\n\n".join(parts))


def configuration_page(manager: PluginManager) -> str:
    """Every key of falco.yaml."""
    rows = list(_keys(Settings, ""))
    for name, output in manager.output_types().items():
        rows.append((f"`{name}_output.enabled`", "true or false", "`false`", f"Switch the channel {name} on."))
        rows += _keys(output.config_type, f"{name}_output.")
    rows += _keys(Extensions, f"{EXTENSIONS}.")
    intro = (
        "Defaults are those of an absent key. `falco --config-schema` prints the same as a JSON schema.\n"
        f"Keys below `{EXTENSIONS}` are ours: Falco passes them over, so one file serves both."
    )
    return _page("falco.yaml", intro, _table(("key", "type", "default", "meaning"), rows))


def command_line_page() -> str:
    """The flags and verbs, as ``--help`` prints them."""
    top = _help()
    verbs = [
        line.split()[0]
        for line in top.partition("Commands:\n")[2].splitlines()
        if line.startswith("  ") and line[2] != " "
    ]
    parts = [f"```text\n{top}```", *(f"## falco {verb}\n\n```text\n{_help(verb)}```" for verb in verbs)]
    return _page("Command line", "", "\n\n".join(parts))


def differences_page() -> str:
    """What differs from Falco on purpose, from the list that the conformance runner holds us to."""
    with DIFFERENCES.open("rb") as file:
        rows = tomllib.load(file)["difference"]
    parts = []
    for prefix, title in SECTIONS.items():
        found = dict.fromkeys((_case(r), _cell(r["why"])) for r in rows if r["suite"].startswith(prefix))
        parts.append(f"## {title}\n\n{_table(('here', 'and why not as Falco'), found)}")
    intro = (
        "Falco's behaviour is the specification. These differences are deliberate: a fault that loses alerts,\n"
        "crashes, or depends on order or leftover memory is not copied; an odd value that a rule may rely on is\n"
        "([the policy](../adr/0006-upstream-faults.md)). Recorded answers of a real Falco are compared with ours\n"
        "in every test run; a difference that is not listed fails, and so does one that is listed and gone."
    )
    return _page("Differences to Falco", intro, "\n\n".join(parts))


def _keys(struct: type[Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for field in msgspec.inspect.type_info(struct).fields:  # type: ignore[attr-defined]  # of a struct
        kind, doc, effect, is_ours, values = field.type, "", Effect.APPLIES, False, ""
        while isinstance(kind, msgspec.inspect.Metadata):
            schema = kind.extra_json_schema or {}
            doc = doc or schema.get("description", "")
            effect = (kind.extra or {}).get("effect", effect)
            is_ours |= (kind.extra or {}).get("is_extension", False)
            values = values or _values(kind)
            kind = kind.type
        name = f"{prefix}{field.encode_name}"
        name = f"{EXTENSIONS}.{name}" if is_ours else name
        if isinstance(kind, msgspec.inspect.StructType):
            yield from _keys(kind.cls, f"{name}.")
            continue
        note = f" No effect: {effect.value}." if effect is not Effect.APPLIES else ""
        yield f"`{name}`", values or _kind(kind), f"`{_default(field)}`", _cell(doc + note)


def _values(info: Any) -> str:
    """The values that a key is limited to by what is said about its type; "" for no limit."""
    if choice := (info.extra or {}).get("choice"):
        return ", ".join(choice.names)
    schema = info.extra_json_schema or {}
    if "minimum" in schema:
        return f"number not below {schema['minimum']}" + (
            f", at most {schema['maximum']}" if "maximum" in schema else ""
        )
    return ""


def _choice(value: Any) -> Any:
    """*value* as falco.yaml has it."""
    return value.name.lower() if isinstance(value, IntEnum) else getattr(value, "value", value)


def _kind(kind: Any) -> str:
    if isinstance(kind, msgspec.inspect.EnumType):
        return ", ".join(dict.fromkeys(str(_choice(one)) for one in kind.cls))
    name = type(kind).__name__.removesuffix("Type").lower()
    if name in {"int", "float"}:
        return expected(kind).removeprefix("a ")
    return _KINDS.get(name, name)


def _default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "[]" if field.default_factory is list else "{}"
    if field.required:
        return "required"
    if field.default in {msgspec.NODEFAULT, msgspec.UNSET, None}:
        return "none"
    value = _choice(field.default)
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == () else str(value)


def _help(*verb: str) -> str:
    out = io.BytesIO()
    main_of_falco([*verb, "--help"], stdout=out, stderr=io.BytesIO(), env={}, cwd=ROOT)
    return out.getvalue().decode()


def _case(row: dict[str, Any]) -> str:
    """What we do; before it the case where its name is a phrase and not a pattern."""
    name = row["cases"][0]
    is_phrase = row["suite"].startswith("k8s_audit/k8s") and not set(name) & set("*[?")
    return f"*{_cell(name)}*: {_cell(row['ours'])}" if is_phrase else _cell(row["ours"])


def _argument(field: Field[Any]) -> str:
    if field.argument.value == "none":
        return ""
    kind = field.argument.value.removeprefix("optional ")
    return f"[{kind}]" if field.argument.is_required else f"([{kind}])"


def _type(field: Field[Any]) -> str:
    return f"list of {field.type.value}" if field.is_list else field.type.value


def _signature(function: Any) -> str:
    return str(inspect.signature(function)).replace("'", "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _page(title: str, intro: str, body: str) -> str:
    return "\n\n".join(part for part in (f"# {title}", intro, body) if part) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    stale = []
    for name, text in pages():
        path = ROOT / "docs" / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name}: {'not up to date, run tools/make_reference.py' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
