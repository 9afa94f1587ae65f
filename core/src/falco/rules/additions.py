"""What the configuration adds to the outputs of rules: ``append_output`` and ``-p``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from falco.conditions.scope import Scope
from falco.documents.source import SourceFile
from falco.documents.text import Segment, Text, Written
from falco.fields.model import FieldFlag
from falco.rules.items import RuleDefinition


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry of ``append_output``. What is "" or empty matches every rule."""

    source: str = ""
    rule: str = ""
    tags: frozenset[str] = frozenset()
    """Tags that a rule must have, all of them."""
    output: str = ""
    """Text for the end of the output."""
    fields: tuple[tuple[str, str | None], ...] = ()
    """Keys for ``output_fields`` with their formats; None: the key is itself a field."""
    is_suggested: bool = False
    """Whether the fields that plugins suggest are added to the output."""
    name: str = "append_output"
    """What messages call it; every addition has another name."""

    def matches(self, rule: RuleDefinition) -> bool:
        """Whether the addition is for *rule*."""
        return self.source in {"", rule.source} and self.rule in {"", rule.name} and self.tags.issubset(rule.tags)

    def texts(self, scope: Scope) -> Iterator[Text]:
        """What comes to the output, piece by piece."""
        if self.output:
            yield _written(SourceFile(self.name, self.output))
        if self.is_suggested and (suggested := suggested_output(scope)):
            yield Text.of(suggested, self.name)

    def formats(self) -> Iterator[tuple[str, Text, bool]]:
        """The keys of ``fields``, what stands for each in an output, and whether the key is itself a field."""
        for key, format_ in self.fields:
            if format_ is None:
                yield key, Text.of("%", self.name) + _written(self._of_key(key, key)), True
            else:
                yield key, _written(self._of_key(key, format_)), False

    def files(self) -> Iterator[SourceFile]:
        """The texts of the addition as files, in which faults are shown."""
        if self.output:
            yield SourceFile(self.name, self.output)
        for key, format_ in self.fields:
            yield self._of_key(key, key if format_ is None else format_)

    def _of_key(self, key: str, text: str) -> SourceFile:
        return SourceFile(f"{self.name}, {key}", text)


def _written(file: SourceFile) -> Text:
    """The whole of *file*."""
    return Text((Segment(file.text, Written(file.span(0, len(file.text)))),))


def suggested_output(scope: Scope) -> str:
    """The fields that are flagged as suggested, as ``container_id=%container.id container_name=…``."""
    names = (field.name for field in scope.fields if FieldFlag.SUGGESTED in field.flags)
    return " ".join(f"{name.replace('.', '_')}=%{name}" for name in names)
