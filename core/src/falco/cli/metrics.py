"""What has to be right before metrics can be collected."""

from __future__ import annotations

from typing import Final

from falco.config.configuration import Configuration
from falco.config.durations import milliseconds

MIN_INTERVAL_MS: Final = 100


def check_metrics(configuration: Configuration) -> None:
    """Refuse metrics that could not be collected or would go nowhere.

    Raises:
        ConfigError: The interval is no duration or too short, or no output of metrics is switched on.
    """
    settings = configuration.settings
    metrics = settings.metrics
    if not metrics.enabled:
        return
    interval_ms = milliseconds(metrics.interval)
    if interval_ms is None or interval_ms < MIN_INTERVAL_MS:
        raise configuration.error(
            "metrics.interval",
            "Metrics interval must have a minimum value of 100ms and reflect a Prometheus compliant time duration "
            "format: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations. ",
        )
    if not (metrics.output_rule or metrics.output_file or settings.webserver.prometheus_metrics_enabled):
        raise configuration.error(
            "metrics.enabled",
            "Metrics are enabled with no output configured. Please enable at least one output channel "
            "('metrics.output_rule', 'metrics.output_file' or 'webserver.prometheus_metrics_enabled')",
        )
