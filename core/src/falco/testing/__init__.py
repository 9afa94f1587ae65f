"""The kit for authors of plugins and rules; needs pytest."""

from falco.testing.fields import FieldContract
from falco.testing.outputs import OutputContract
from falco.testing.sources import SourceContract

__all__ = ["FieldContract", "OutputContract", "SourceContract"]
