"""Rulesets: rules compiled to functions, and the dispatch on cheap fields."""

from falco.ruleset.compiled import CompiledRule, Ruleset
from falco.ruleset.types import UNKNOWN, DispatchField, Key, KeyPart, Residual, Unknown

__all__ = ["UNKNOWN", "CompiledRule", "DispatchField", "Key", "KeyPart", "Residual", "Ruleset", "Unknown"]
