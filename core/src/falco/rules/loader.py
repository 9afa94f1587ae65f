"""Loads rule files one after another; each load compiles everything that was read so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from falco.conditions.scope import Scope
from falco.documents import reader
from falco.documents.diagnostics import Diagnostic, Location, Severity
from falco.documents.nodes import MappingNode, Node, ScalarNode
from falco.documents.source import SourceFile
from falco.rules.additions import Addition
from falco.rules.codes import ErrorCode
from falco.rules.collection import Collection
from falco.rules.compiling import Compiled, Compiler
from falco.rules.faults import RuleFault, Where
from falco.rules.items import PluginRequirement, RuleDefinition
from falco.rules.model import Priority, Rule
from falco.rules.reading import ItemReader
from falco.rules.result import LoadResult
from falco.rules.versions import ENGINE_VERSION, Version

_POISONABLE: Final = frozenset({"list", "macro", "rule"})


@dataclass(slots=True)
class _Reading:
    """What one file said so far. ``until_error``: warnings before the first error, None without one."""

    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    until_error: int | None = None

    def fail(self, *diagnostics: Diagnostic) -> None:
        """Take errors."""
        if not self.errors:
            self.until_error = len(self.warnings)
        self.errors += diagnostics


class RuleLoader:
    """Rule files, read in order, for the event sources of *scopes* (by name).

    Rules of unknown sources are left out with a warning; rules less urgent than *min_priority* are compiled
    but not among ``rules``. *append_output* is added to outputs in its order.
    """

    def __init__(
        self,
        scopes: Mapping[str, Scope],
        *,
        engine_version: Version = ENGINE_VERSION,
        min_priority: Priority = Priority.DEBUG,
        append_output: Sequence[Addition] = (),
    ) -> None:
        self._collection = Collection(scopes, engine_version)
        self._min_priority = min_priority
        self._additions = tuple(append_output)
        self._compiled = Compiled()
        self._files: dict[str, SourceFile] = {}
        self._added = {file.name: file for addition in self._additions for file in addition.files()}

    @property
    def transformers(self) -> tuple[str, ...]:
        """Names that conditions may call."""
        return self._collection.transformers

    def load(self, name: str, data: bytes) -> LoadResult:
        """Read the file *data* called *name* and compile it with everything before it.

        Nothing is raised: what is wrong is in the result, and the rules are those that are not.
        """
        reading = _Reading()
        documents: list[Node] = []
        try:
            source = reader.decode(data, name)
            documents = reader.parse(source)
        except reader.DocumentError as error:
            source = error.source
            context = (Location("value for", "", error.span),)
            code = ErrorCode.LOAD_ERR_YAML_PARSE.name
            reading.fail(Diagnostic(Severity.ERROR, code, error.message, error.span, context))
        self._files[name] = source
        for document in documents:
            self._read(document, source, reading)
        self._compiled = Compiler(self._collection, self._additions).compile()
        return self._result(name, documents, reading)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are urgent enough, in the order of evaluation, disabled ones too."""
        return tuple(compiled.rule for compiled in self._compiled.rules if compiled.rule.priority <= self._min_priority)

    @property
    def scopes(self) -> Mapping[str, Scope]:
        """The event sources, by name."""
        return self._collection.scopes

    @property
    def compiled(self) -> Compiled:
        """Everything as it was compiled last, for descriptions."""
        return self._compiled

    @property
    def required_engine_version(self) -> Version:
        """The newest engine version that a file asked for; 0.0.0 if none did."""
        return self._collection.required_engine_version

    @property
    def required_plugins(self) -> tuple[PluginRequirement, ...]:
        """What the files need of plugins; see ``rules.requirements``."""
        return tuple(self._collection.required_plugins)

    def _read(self, document: Node, source: SourceFile, reading: _Reading) -> None:
        """Collect the items of one document."""
        root = Where((), document.span)
        if isinstance(document, ScalarNode):
            if not document.is_null:
                hint = "a rule file is a sequence of items such as '- rule: ...'"
                message = "Rules content is not yaml"
                reading.fail(*root.error(ErrorCode.LOAD_ERR_YAML_VALIDATE, message, hint=hint).diagnostics)
            return
        if isinstance(document, MappingNode):
            hint = "write '- ' before each item"
            message = "Rules content is not yaml array of objects"
            reading.fail(*root.error(ErrorCode.LOAD_ERR_YAML_VALIDATE, message, hint=hint).diagnostics)
            return
        items = ItemReader(source, reading.warnings.append)
        for node in document.items:
            if isinstance(node, ScalarNode) and node.is_null:
                continue
            try:
                for item in items.items(node, root):
                    if isinstance(item, RuleDefinition) and item.faults:
                        reading.fail(*item.faults)
                        self._collection.doubtful.add(item.name)
                    self._collection.add(item, reading.warnings.append)
            except RuleFault as fault:
                reading.fail(*fault.diagnostics)
                self._poison(node, fault)
                if any(location.kind == "required_engine_version" for location in fault.diagnostics[0].context):
                    return  # what a newer engine understands is not worth a word

    def _poison(self, node: Node, fault: RuleFault) -> None:
        """Leave out what the item *node* is about, and silently what refers to it."""
        if isinstance(node, MappingNode):
            for kind in _POISONABLE:
                name = node.get(kind)
                if isinstance(name, ScalarNode):
                    self._collection.poisoned.add((kind, name.text))
        for diagnostic in fault.diagnostics:
            for location in diagnostic.context:
                if location.kind in _POISONABLE and location.name:
                    self._collection.poisoned.add((location.kind, location.name))

    def _result(self, name: str, documents: list[Node], reading: _Reading) -> LoadResult:
        compiled = self._compiled
        if reading.until_error is not None:
            kept, further = reading.warnings[: reading.until_error], reading.warnings[reading.until_error :]
            further = [*further, *compiled.warnings]
        elif compiled.until_error is not None:
            kept = [*reading.warnings, *compiled.warnings[: compiled.until_error]]
            further = compiled.warnings[compiled.until_error :]
        else:
            kept, further = [*reading.warnings, *compiled.warnings], []
        errors = (*reading.errors, *compiled.errors)
        return LoadResult(name, errors, tuple(kept), tuple(further), tuple(documents), self._files | self._added)
