"""Recorded behaviour of Falco: read where it lies, skipped with the reason where it is not.

``--conformance DIR`` and ``--oracle DIR`` name the folders; by default they are looked for beside the checkout.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from recorded.agreement import PROPERTY, summary

SHARED = Path(__file__).parents[1].parent / "shared"


def pytest_addoption(parser):
    parser.addoption("--conformance", type=Path, default=SHARED / "conformance", help="folder of the conformance cases")
    parser.addoption("--oracle", type=Path, default=SHARED / "oracle", help="folder of the recorded answers of Falco")
    parser.addoption("--whole", action="store_true", help="compare every recorded value, where a part is the default")
    parser.addoption("--agreement", action="store_true", help="print agreement with Falco field by field")


def pytest_terminal_summary(terminalreporter, config):
    handed_on = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if handed_on:
        terminalreporter.section("agreement with Falco")
        for line in summary(handed_on, whole=config.getoption("--agreement")):
            terminalreporter.write_line(line)


def folder(request, option):
    path = request.config.getoption(option)
    if not path.is_dir():
        pytest.skip(f"no recorded data: {option} {path} is not a folder")
    return path


@pytest.fixture(scope="session")
def conformance(request):
    """The folder of the conformance cases."""
    return folder(request, "--conformance")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A folder with ``cert.pem`` and ``key.pem`` of localhost, by name and by address; nobody vouches for them."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def oracle(request):
    """The folder of the recorded answers of Falco."""
    return folder(request, "--oracle")
