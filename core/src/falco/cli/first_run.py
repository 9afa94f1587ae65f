"""What a run without a configuration says."""

from __future__ import annotations

from collections.abc import Sequence

from falco.cli.session import DEFAULT_CONFIG, Session


def welcome(session: Session, names: Sequence[str]) -> str:
    """Where things come from, and what to do next."""
    lines = [f"There is no {DEFAULT_CONFIG}: the packaged configuration is used (give another one with -c)."]
    for name in names:
        source = session.event_sources.get(name)
        entry = None if source is None else source.plugin.entry
        if entry is not None and entry.open_params:
            where = entry.open_params.strip()
            is_webhook = where.startswith(("http://", "https://"))
            lines.append(f"Event source {name} {'listens at' if is_webhook else 'reads'} {where}.")
            if is_webhook:
                lines[-1] += " Point the API server of a cluster there:"
                lines += [
                    "  1. write what to log: a Policy of audit.k8s.io/v1, with 'level: Request' for workloads, whose",
                    "     contents rules look into, and 'level: Metadata' for everything else",
                    f"  2. write where to send it: a kubeconfig with the cluster 'server: {where}'",
                    "  3. start kube-apiserver with --audit-policy-file and --audit-webhook-config-file for these",
                ]
            lines.append("Or look at a log that is there already: falco scan FILE")
    return "".join(f"{line}\n" for line in lines)
