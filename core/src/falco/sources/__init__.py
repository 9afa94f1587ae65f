"""Sources: where events come from."""

from falco.sources.base import Decoder, EventList, Source
from falco.sources.recording import Recorder, RecordingLimits

__all__ = ["Decoder", "EventList", "Recorder", "RecordingLimits", "Source"]
