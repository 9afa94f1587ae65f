"""The public interface: ``import falco``."""

import subprocess
import sys

import falco


def test_every_public_name_is_there():
    assert all(getattr(falco, name) is not None for name in falco.__all__)
    assert set(falco.__all__) == set(dir(falco))


def test_importing_it_imports_nothing_else():
    program = (
        "import sys, falco; print(sorted(n for n in sys.modules if n.startswith('falco.') or n in {'yaml', 're2'}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"


def test_a_name_that_is_not_public_is_an_attribute_error():
    try:
        falco.no_such_name  # noqa: B018
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("it is there")
