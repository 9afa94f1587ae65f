# The part of google-re2 that this project uses; the package has no types of its own.

from enum import Enum

class error(Exception): ...  # noqa: N801, N818  re2 calls it so

class Options:
    class Encoding(Enum):
        UTF8 = 1
        LATIN1 = 2

    max_mem: int
    encoding: Encoding
    posix_syntax: bool
    longest_match: bool
    log_errors: bool
    dot_nl: bool
    never_capture: bool
    case_sensitive: bool

class _Match: ...

class _Regexp:
    def fullmatch(self, text: str | bytes) -> _Match | None: ...
    @property
    def programsize(self) -> int: ...

def compile(pattern: str | bytes, options: Options | None = None) -> _Regexp: ...  # noqa: A001  re2 calls it so
