"""Recorded audit lines, decoded by the plugin's decoder, and by plain JSON for what we do on purpose."""

import base64
import gzip
import json
from functools import cache

from falco.ruleset import Ruleset
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.fields import FIELDS
from falco_k8s_audit.records import Limits, Records


class Passing(Ruleset):
    """Every event passes."""

    def __init__(self):
        super().__init__((), first_only=False)

    def residual(self, key):
        return self.everything


class Decoded:
    """What one decoder makes of lines, in order."""

    def __init__(self):
        self._decoder = AuditDecoder()
        self.said = []
        self._decoder.report = self.said.append
        self._rules = Passing()

    def events(self, line, limits=None):
        """The events of one line, and the counters that it moved."""
        before = dict(self._decoder.counters())
        records = Records([line], "line {}".format, limits or Limits())
        found = [event for _, event in self._decoder.select(records, self._rules)]
        after = self._decoder.counters()
        return found, {name for name in after if after[name] != before.get(name)}


def lines(path):
    """The records of a JSON-lines file, gzipped or not."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as file:
        return [json.loads(line) for line in file]


def raw(text):
    """The bytes of a recorded text."""
    return base64.b64decode(text["b64"]) if isinstance(text, dict) else text.encode("utf-8", "surrogateescape")


def value(recorded):
    """A recorded value as an alert shows it."""
    if isinstance(recorded, dict):
        return base64.b64decode(recorded["b64"]).decode("utf-8", "replace")
    return recorded


def shown(value):
    """A value of ours as an alert shows it."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value


@cache
def getter(expression):
    """The getter of ``name`` or ``name[argument]``."""
    name, bracket, argument = expression.partition("[")
    field = next(field for field in FIELDS if field.name == name)
    return field.bind(argument[:-1].strip('"') if bracket else None)


def plain(line):
    """The line as JSON; the last of repeated keys wins. None if it is none."""
    try:
        return json.loads(line.decode("utf-8", "surrogateescape"), strict=False, parse_int=Number, parse_float=Number)
    except ValueError:
        return None


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def is_text_of(text, node):
    """Whether *text* is what a field shows for a value of plain JSON."""
    if isinstance(node, dict | list):
        return plain(text.encode("utf-8", "surrogateescape")) == node
    if type(node) is str:
        return text == node.partition("\0")[0] or "\\ud" in text  # a lone surrogate is spelled out
    return text == (str(node) if isinstance(node, Number) else json.dumps(node))


def are_texts_of(texts, nodes):
    """The same for lists; None stands for an empty one."""
    texts = texts or []
    return len(texts) == len(nodes) and all(map(is_text_of, texts, nodes))


def has_repeated_keys(line):
    """Whether a key is repeated in some object of the line."""
    found = []

    def pairs(items):
        found.append(len(dict(items)) < len(items))
        return dict(items)

    try:
        json.loads(line.decode("utf-8", "surrogateescape"), strict=False, object_pairs_hook=pairs)
    except ValueError:
        return False
    return any(found)
