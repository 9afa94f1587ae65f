"""Agreement with Falco field by field: how many values were compared, how many differ, and for which listed reason.

A test hands its account on as a property of its report, which also reaches the terminal from worker processes.
"""

from collections import Counter, defaultdict
from fnmatch import fnmatchcase

from recorded.verdict import differences

PROPERTY = "agreement"
UNLISTED = "not listed"


class Agreement:
    """The account of one suite, by field."""

    def __init__(self, suite):
        self.suite = suite
        self.equal = Counter()
        self.different = defaultdict(Counter)

    def agree(self, field):
        """A value is Falco's."""
        self.equal[field] += 1

    def differ(self, field, case):
        """A value is not Falco's, for the cause that *case* of the suite stands for."""
        self.different[field][case] += 1

    def hand_on(self, record_property):
        """Make it a property of the test's report."""
        different = [
            (field, _listed_as(self.suite, case), number)
            for field, cases in self.different.items()
            for case, number in cases.items()
        ]
        record_property(PROPERTY, [self.suite, list(self.equal.items()), different])


def _listed_as(suite, case):
    """Number of the row of differences.toml, -1 if there is none."""
    for number, row in enumerate(differences()):
        if fnmatchcase(suite, row["suite"]) and any(fnmatchcase(case, one) for one in row["cases"]):
            return number
    return -1


def summary(handed_on, *, whole):
    """Lines for the terminal on what tests handed on, one section a source; *whole*: with the table."""
    by_source = defaultdict(list)
    for suite, equal, different in handed_on:
        by_source[suite.partition("/")[0]].append((equal, different))
    for source, accounts in sorted(by_source.items()):
        yield from _section(source, accounts, whole=whole)


def _section(source, accounts, *, whole):
    equal, different = Counter(), defaultdict(Counter)
    for agreed, differing in accounts:
        equal.update(dict(agreed))
        for field, row, number in differing:
            different[field][row] += number
    fields = sorted({*equal, *different}, key=lambda field: (-different[field].total(), field))
    unequal = sum(rows.total() for rows in different.values())
    always = sum(not different[field] for field in fields)
    yield (
        f"{source}: {equal.total():,} of {equal.total() + unequal:,} recorded values are Falco's; "
        f"{always} of {len(fields)} fields agree on every event."
    )
    if not whole:
        return
    width = max(map(len, fields))
    yield ""
    yield f"{'field':{width}} {'compared':>10} {'equal':>10} {'different':>10}  why: number of events"
    for field in fields:
        rows = different[field]
        why = ", ".join(f"{_name(row)}: {number}" for row, number in rows.most_common())
        line = f"{field:{width}} {equal[field] + rows.total():10} {equal[field]:10} {rows.total():10}  {why}"
        yield line.rstrip()
    totals = sum(different.values(), Counter())
    if totals:
        yield ""
        yield "Why, as tests/conformance/differences.toml has it:"
    for row, number in totals.most_common():
        listed = differences()[row] if row >= 0 else None
        text = f"{listed['ours']} {listed['why']}" if listed is not None else "A fault: no row covers it."
        yield f"  {_name(row)} ({number}): {text}"
    yield ""


def _name(row):
    """A row by the first of its cases: the cause without what the pattern leaves open."""
    if row < 0:
        return UNLISTED
    first = differences()[row]["cases"][0]
    return first.removesuffix(" *") if first.endswith(" *") else first.partition(" evt.")[0]
