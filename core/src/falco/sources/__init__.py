"""Sources: where events come from."""

from falco.sources.base import Decoder, EventList, Source
from falco.sources.recording import Recorder, RecordingLimits
from falco.sources.stream import InputStream

__all__ = ["Decoder", "EventList", "InputStream", "Recorder", "RecordingLimits", "Source"]
