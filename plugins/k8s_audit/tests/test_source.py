"""One source; its ``open_params`` say which transport it is."""

import pytest

from falco.errors import SourceError
from falco_k8s_audit.config import Config
from falco_k8s_audit.files import FileTransport
from falco_k8s_audit.source import AuditSource
from falco_k8s_audit.stdin import StdinTransport
from falco_k8s_audit.tail import TailTransport
from falco_k8s_audit.webhook import WebhookTransport


@pytest.mark.parametrize(
    ("open_params", "transport"),
    [
        ("/var/log/audit.log", FileTransport),
        ("audit.log", FileTransport),
        ("", FileTransport),
        ("C:\\audit.log", FileTransport),
        ("C://audit.log", FileTransport),
        ("file:///var/log/audit.log", TailTransport),
        ("FILE:///var/log/audit.log", TailTransport),
        ("-", StdinTransport),
        (" - ", StdinTransport),
        ("http://127.0.0.1:9765/k8s-audit", WebhookTransport),
        ("https://:9765/k8s-audit", WebhookTransport),
    ],
)
def test_the_transport(open_params, transport):
    assert type(AuditSource(Config(), open_params).transport) is transport


@pytest.mark.parametrize("scheme", ["ftp", "s3", "tcp"])
def test_another_scheme_is_an_error_that_names_those_there_are(scheme):
    with pytest.raises(SourceError, match=f'^scheme "{scheme}" is not supported: open_params is a path, file://'):
        AuditSource(Config(), f"{scheme}://x/y")


def test_a_record_may_be_as_large_as_an_event():
    assert Config(webhookMaxBatchSize=1).limits.record == Config().maxEventSize
    assert Config().limits.record == Config().webhookMaxBatchSize


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b'{"kind":"Event"}\n', True),
        (b'{"kind":"Event"}\n\0\0\0\0', True),
        (b'words\n[{"kind":"Event"}]\n\xff\0\n', True),
        (b'{"kind":"Ev\0nt"}\n{}\n', False),
        (b"\0\0{}\n{}", False),
        ('{"kind":"Event"}'.encode("utf-16-le"), False),
        (b"words", False),
        (b"", False),
    ],
)
def test_a_log_is_known_by_its_first_event_whatever_follows(head, answer):
    assert AuditSource.recognises(head) is answer
