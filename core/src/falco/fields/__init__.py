"""Fields: what a condition or an output can ask of an event."""

from falco.fields.model import (
    Address,
    Argument,
    Field,
    FieldClass,
    FieldFlag,
    FieldFormat,
    FieldType,
    FieldUse,
    Getter,
    Quantifier,
    Scalar,
    Value,
)

__all__ = [
    "Address",
    "Argument",
    "Field",
    "FieldClass",
    "FieldFlag",
    "FieldFormat",
    "FieldType",
    "FieldUse",
    "Getter",
    "Quantifier",
    "Scalar",
    "Value",
]
