"""Rules that every event matches, for contracts that must see all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from falco.conditions.checked import Check, Condition, Operator
from falco.fields import Field, FieldUse
from falco.rules.model import Priority, Rule
from falco.ruleset import Ruleset
from falco.templates.model import Template

_ALWAYS: Final[Field[Any]] = Field("contract.always", lambda _argument: lambda _event: True, doc="Always there.")


def contract_rule(index: int, condition: Condition) -> Rule:
    """A rule that says nothing."""
    return Rule(index, f"rule {index}", "contract", Priority.DEBUG, condition, Template(("",)))


def passing_rule() -> Rule:
    """A rule that holds for every event, for a reason that no table and no assumption can know."""
    return contract_rule(0, Check(FieldUse(_ALWAYS.name, None, _ALWAYS), Operator.EXISTS))


def passing_rules(rules: Iterable[Rule] = ()) -> Ruleset[Any]:
    """A ruleset that decides nothing before the event is read."""
    return Ruleset([passing_rule(), *rules], first_only=False)
