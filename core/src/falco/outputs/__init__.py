"""Outputs: channels, their queues and workers."""

from falco.outputs.base import Output, OutputContext

__all__ = ["Output", "OutputContext"]
