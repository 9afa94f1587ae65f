"""The kit for authors of plugins and rules; needs pytest, and hypothesis for outputs (``falco-core[testing]``).

Authors of rules: ``run_rules(rules, lines, source="k8s_audit")``, also a fixture, gives the ``Detections``.
Authors of plugins: subclass the contract of what you wrote and give its fixtures; the tests come with it.
A name is imported when it is first asked for, so the pytest plugin costs runs that do not use it nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falco.testing.decoders import DecoderContract
    from falco.testing.detections import Detection, Detections
    from falco.testing.fields import FieldContract
    from falco.testing.outputs import OutputContract
    from falco.testing.rules import plugins_of, run_rules
    from falco.testing.sources import SourceContract

__all__ = [
    "DecoderContract",
    "Detection",
    "Detections",
    "FieldContract",
    "OutputContract",
    "SourceContract",
    "plugins_of",
    "run_rules",
]

_HOME_OF = {
    "DecoderContract": "decoders",
    "Detection": "detections",
    "Detections": "detections",
    "FieldContract": "fields",
    "OutputContract": "outputs",
    "SourceContract": "sources",
    "plugins_of": "rules",
    "run_rules": "rules",
}


def __getattr__(name: str) -> Any:
    """The public object *name*, from the module where it lives."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'falco.testing' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f"falco.testing.{home}"), name)
    return value
