"""Tests of the hooks."""

import subprocess
import sys

RUN = """
import sys
from falco_syscall import plugin
registered = [plugin.falco_register_sources(), plugin.falco_register_decoders(), plugin.falco_register_fields("syscall")]
assert all(registered)
print("numpy" in sys.modules)
plugin.falco_register_decoders()[0]()
print("numpy" in sys.modules)
"""


def test_numpy_is_imported_when_a_capture_is_opened_and_not_before():
    shown = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True"]
