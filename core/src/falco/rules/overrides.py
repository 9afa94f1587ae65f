"""``override``: which keys of an item are appended to what is there, and which replace it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from falco.documents.nodes import MappingNode, Node, ScalarNode
from falco.documents.suggestions import did_you_mean
from falco.rules.codes import ErrorCode
from falco.rules.faults import Where
from falco.rules.values import Values

_INVALID: Final = ErrorCode.LOAD_ERR_YAML_VALIDATE
_APPEND_AND_OVERRIDE: Final = (
    "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') "
    "under 'override' instead."
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What ``override`` says, key by key; each part is sorted."""

    append: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.append or self.replace)

    @classmethod
    def read(
        cls, values: Values, appendable: tuple[str, ...], replaceable: tuple[str, ...], *, is_append: bool
    ) -> Overrides:
        """The overrides of an item; *is_append*: whether it has ``append: true`` beside them.

        Raises:
            RuleFault: A key or an operation is not allowed.
        """
        overrides = cls._of_node(values, appendable, replaceable)
        if is_append and overrides:
            raise values.where.error(_INVALID, _APPEND_AND_OVERRIDE, place=values.span("append"))
        return overrides

    @classmethod
    def _of_node(cls, values: Values, appendable: tuple[str, ...], replaceable: tuple[str, ...]) -> Overrides:
        node = values.node.get("override")
        if node is None or isinstance(node, ScalarNode):
            return cls()  # upstream: a scalar is silently no override
        if not isinstance(node, MappingNode):
            message = "Value of override must be a mapping of keys to 'append' or 'replace'"
            raise Where((), node.span).error(ErrorCode.LOAD_ERR_VALIDATE, message)
        where = values.where.into("overrides", "", values.node.span)
        found: dict[str, set[str]] = {"append": set(), "replace": set()}
        for key_node, operation_node in node.pairs:
            key, operation = _pair(key_node, operation_node)
            allowed = {"append": key in appendable, "replace": key in replaceable}
            if operation not in allowed:
                names = "".join(f"{name} " for name, is_allowed in allowed.items() if is_allowed)
                message = f"Invalid override operation for key '{key}': '{operation}'. Allowed values are: {names}"
                raise where.into("value for", key, operation_node.span).error(_INVALID, message)
            if not allowed[operation]:
                is_about_append = operation == "append"
                end = "cannot be appended to, use 'replace' instead" if is_about_append else "cannot be replaced"
                part = where.into("overrides", key, key_node.span)
                raise part.error(_INVALID, f"Key '{key}' {end}", hint=did_you_mean(key, replaceable))
            found[operation].add(key)
        return cls(tuple(sorted(found["append"])), tuple(sorted(found["replace"])))


def _pair(key: Node, operation: Node) -> tuple[str, str]:
    """An entry as texts.

    Raises:
        RuleFault: It is none.
    """
    if isinstance(key, ScalarNode) and isinstance(operation, ScalarNode):
        return key.text, "null" if operation.is_null else operation.text
    wrong = operation if isinstance(key, ScalarNode) else key
    message = "Keys and operations of override must be scalars, such as 'condition: append'"
    raise Where((), wrong.span).error(ErrorCode.LOAD_ERR_VALIDATE, message)
