"""What there is to ask for: the fields and the event types of the syscall source."""

from falco_syscall.catalogue.events import CATALOGUE, event_code
from falco_syscall.catalogue.fields import fields

__all__ = ["CATALOGUE", "event_code", "fields"]
