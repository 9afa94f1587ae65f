"""Outputs: channels, their queues and workers."""

from falco.outputs.base import Output, OutputContext, extension
from falco.outputs.dispatcher import Dispatcher

__all__ = ["Dispatcher", "Output", "OutputContext", "extension"]
