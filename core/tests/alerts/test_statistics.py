from falco.alerts import Alert, AlertTemplate, internal
from falco.alerts.statistics import Statistics, drops_text, losses_text
from falco.rules.model import Priority


def alert(index, name, priority):
    return Alert(AlertTemplate(name, priority, "s", ("x",), index=index), 1, 0, ())


def test_the_text_is_that_of_falco():
    statistics = Statistics()
    for sent in [
        alert(5, "Late", Priority.INFORMATIONAL),
        alert(1, "Early", Priority.WARNING),
        alert(1, "Early", Priority.WARNING),
        alert(3, "Never mind", Priority.EMERGENCY),
    ]:
        statistics.count(sent)

    assert statistics.text() == (
        "Events detected: 4\n"
        "Rule counts by severity:\n"
        "   EMERGENCY: 1\n"
        "   WARNING: 2\n"
        "   INFO: 1\n"
        "Triggered rules by rule name:\n"
        "   Early: 2\n"
        "   Never mind: 1\n"
        "   Late: 1\n"
    )


def test_nothing_found_is_said_too():
    assert Statistics().text() == "Events detected: 0\nRule counts by severity:\nTriggered rules by rule name:\n"


def test_alerts_about_falco_itself_are_not_counted():
    statistics = Statistics()
    statistics.count(internal.alert(internal.METRICS, Priority.INFORMATIONAL, "m", {}, 0))

    assert statistics.total == 0


def test_statistics_of_several_threads_add_up():
    one, two = Statistics(), Statistics()
    one.count(alert(1, "A", Priority.DEBUG))
    two.count(alert(1, "A", Priority.DEBUG))
    two.count(alert(0, "B", Priority.ALERT))
    one += two

    assert one.by_rule() == {"B": 1, "A": 2}
    assert one.by_priority() == {Priority.ALERT: 1, Priority.DEBUG: 2}


def test_losses_are_said_by_who_and_why():
    assert losses_text([("k8s_audit", {"lines too long": 3, "not JSON": 0}), ("http", {})]) == (
        "Lost or refused:\n   k8s_audit: lines too long: 3\n"
    )
    assert losses_text([("k8s_audit", {"lines too long": 0})]) == ""


def test_dropped_syscall_events_are_said_as_falco_does():
    assert drops_text(2, 1) == (
        "Syscall event drop monitoring:\n   - event drop detected: 2 occurrences\n   - num times actions taken: 1\n"
    )
