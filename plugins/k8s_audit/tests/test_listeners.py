import os
import socket
from pathlib import Path

import pytest

from falco_k8s_audit.listeners import listener


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system has no /proc/net/tcp")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_process_that_listens_is_told(family):
    try:
        server = socket.create_server(("", 0), family=family)
    except OSError:
        pytest.skip("this machine has no such addresses")
    with server:
        port = server.getsockname()[1]
        assert listener(port).endswith(f" (process {os.getpid()})")
    assert listener(port) == ""


def test_without_proc_nobody_is(tmp_path):
    assert listener(80, tmp_path) == ""


def test_a_strange_table_is_no_fault(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("heading\nshort\n" + " ".join(["x:0050"] * 12) + "\n")

    assert listener(80, tmp_path) == ""
