"""Why a recorded case is not run: a closed list."""

from enum import Enum


class Reason(Enum):
    """The member's value is what the report says."""

    LIVE_KERNEL = "needs the kernel of this machine"
    NEEDS_SCAP = "needs the capture reader"
    REMOVED = "the flag or feature is gone upstream"
    NO_CAPTURE = "the capture is not among the data"
    OBSOLETE = "upstream does not run it either"
    OTHER_PLUGIN = "needs a plugin that this project does not have"
    SETUP_NOT_RECORDED = "the state that the case starts from is not in the record"
    FALCO_CRASH = "Falco itself ended"
    LISTED_DIFFERENCE = "differs on purpose, see differences.toml"
    REFUSED_JSON = "JSON to Falco's lenient reader only"
