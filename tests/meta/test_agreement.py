"""The account of agreement field by field says what was counted, and which listed reason covers what."""

from recorded import agreement
from recorded.agreement import PROPERTY, Agreement, summary

ROWS = [{"suite": "syscall/*", "cases": ["lxc *"], "ours": "Known.", "why": "Falco does not."}]


def lines(monkeypatch, *, whole):
    monkeypatch.setattr(agreement, "differences", lambda: ROWS)
    handed_on = []
    for capture in ("a", "b"):
        account = Agreement(f"syscall/fields/{capture}")
        for field in ("fd.name", "fd.name", "fd.num"):
            account.agree(field)
        account.differ("fd.num", "lxc fd.num")
        account.hand_on(lambda name, value: handed_on.append((name, value)))
    account = Agreement("k8s_audit/k8s/fields")
    account.differ("ka.verb", "odd")
    account.hand_on(lambda name, value: handed_on.append((name, value)))
    assert {name for name, _ in handed_on} == {PROPERTY}
    return list(summary([value for _, value in handed_on], whole=whole))


def test_captures_are_counted_together_and_sources_apart(monkeypatch):
    assert lines(monkeypatch, whole=False) == [
        "k8s_audit: 0 of 1 recorded values are Falco's; 0 of 1 fields agree on every event.",
        "syscall: 6 of 8 recorded values are Falco's; 1 of 2 fields agree on every event.",
    ]


def test_each_field_has_a_line_and_each_difference_its_row(monkeypatch):
    shown = lines(monkeypatch, whole=True)

    assert [line.split() for line in shown if line.startswith(("fd.", "ka."))] == [
        ["ka.verb", "1", "0", "1", "not", "listed:", "1"],
        ["fd.num", "4", "2", "2", "lxc:", "2"],
        ["fd.name", "4", "4", "0"],
    ]
    assert "  lxc (2): Known. Falco does not." in shown
    assert "  not listed (1): A fault: no row covers it." in shown
