"""Short command-line options, read as getopt(3) reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def options(arguments: Sequence[str], specification: str) -> Iterator[tuple[str, str | None]]:
    """Options of *arguments* in order, each with its value; None for one that takes none.

    Args:
        arguments: The command line without the program's name.
        specification: The option characters, each that takes a value with a colon behind it.

    Yields:
        An option that is not in *specification* as ``?``; a value that is missing as "". ``--`` and the first
        argument that is no option end it; ``--long`` options are left out.
    """
    takes_value = {
        character: specification[at + 1 : at + 2] == ":"
        for at, character in enumerate(specification)
        if character != ":"
    }
    rest = iter(arguments)
    for argument in rest:
        if argument == "--" or len(argument) < 2 or argument[0] != "-":
            return
        if argument.startswith("--"):
            continue
        for at, character in enumerate(argument[1:], start=2):
            if character not in takes_value:
                yield "?", None
            elif takes_value[character]:
                yield character, argument[at:] or next(rest, "")
                break
            else:
                yield character, None
