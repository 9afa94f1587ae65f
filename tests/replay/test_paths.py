"""A path that is called uninteresting by its bytes is one for which no check holds."""

from hypothesis import given
from hypothesis import strategies as st

from falco.ruleset import Ruleset
from falco_syscall.replaying.interest import DISPATCH, OpenInterest
from falco_syscall.replaying.path_filter import PathFilter
from replay.equality import rule

CONDITIONS = (
    "fd.name = /etc/a",
    "fd.name in (/etc/a, /, /usr)",
    "fd.name startswith /etc/",
    "fd.name startswith /",
    "fd.name endswith .so",
    "fd.name endswith /",
    "fd.name != /usr/a.so",
    "fd.name contains ab",
    "fd.name pmatch (/etc, /usr/lib)",
    "fd.name glob /u*/a",
    "fd.name regex '.*b$'",
    "fd.directory = /",
    "fd.directory in (/etc, /usr/lib)",
    "fd.directory startswith /us",
    "fd.directory endswith lib",
    "fd.filename = a",
    "fd.filename in (ab, c.so)",
    "fd.filename startswith a",
    "fd.filename endswith o",
    "fd.filename exists",
    "fd.name exists",
)
PIECES = ("/", "/", "/", "etc", "usr", "lib", "a", "ab", "b", "c.so", ".so", ".", "..", "\xe9", "x")
PATHS = st.lists(st.sampled_from(PIECES), max_size=8).map(lambda parts: ("/" + "".join(parts)).encode() + b"\0")


@given(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3), PATHS, st.integers(0, 23))
def test_bytes_never_hide_what_a_check_would_find(conditions, path, intent):
    rules = Ruleset(
        [rule(f"evt.type in (open, openat, openat2) and {condition}") for condition in conditions],
        dispatch=DISPATCH,
        first_only=False,
    )
    interest = OpenInterest(rules)

    assert interest.absolute(intent, path) is interest._left(intent, ".", path)


@given(PATHS)
def test_most_paths_are_told_without_asking_the_checks(path):
    interesting = PathFilter(rule("fd.name startswith /etc/ or fd.filename = passwd").condition.children)

    assert interesting.is_neutral(b"/usr/lib/x\0")
    assert not interesting.is_neutral(b"/etc/x\0")
    assert not interesting.is_neutral(b"/usr/passwd\0")
    assert not (path.startswith(b"/etc/") and interesting.is_neutral(path))
