"""Sources: where events come from."""

from falco.sources.base import Decoder, EventList, Source

__all__ = ["Decoder", "EventList", "Source"]
