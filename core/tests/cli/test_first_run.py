"""What a run without a configuration says."""

from types import SimpleNamespace

import pytest

from falco.cli.first_run import welcome


def session(where):
    plugin = SimpleNamespace(entry=SimpleNamespace(open_params=where))
    return SimpleNamespace(event_sources={"events": SimpleNamespace(plugin=plugin)})


@pytest.mark.parametrize(
    ("where", "sentence", "is_for_clusters"),
    [
        ("http://127.0.0.1:1/a", "Event source events listens at http://127.0.0.1:1/a. Point the API server", True),
        ("/var/log/audit.log", "Event source events reads /var/log/audit.log.", False),
    ],
)
def test_only_a_webhook_listens(where, sentence, is_for_clusters):
    said = welcome(session(where), ["events"])

    assert sentence in said
    assert ("kubeconfig" in said) == is_for_clusters
    assert ("'level: Request' for workloads" in said) == is_for_clusters
