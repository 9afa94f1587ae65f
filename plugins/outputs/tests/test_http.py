"""The HTTP channel posts every alert, and says what became of those it could not deliver."""

import gzip
import re
import socket

import pytest

from falco import OutputError
from falco.testing import OutputContract
from falco_outputs.http import HttpConfig, HttpOutput


class TestContract(OutputContract):
    @pytest.fixture
    def make_output(self, receiver, output_context):
        self.receiver = receiver
        return lambda: HttpOutput(HttpConfig(url=receiver.url), output_context)

    def delivered(self):
        return [body.decode() for _, body in self.receiver.requests]


@pytest.fixture
def channel(receiver, output_context):
    channels = []

    def make(url=None, **keys):
        channels.append(HttpOutput(HttpConfig(url=url or receiver.url, **keys), output_context))
        channels[-1].open()
        return channels[-1]

    yield make
    for each in channels:
        each.close()


def test_request_names_its_type_and_agent(channel, receiver):
    channel().write('{"rule":"a"}')
    headers, body = receiver.requests[0]

    assert body == b'{"rule":"a"}'
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "falcosecurity/falco"


def test_one_connection_serves_many_alerts(channel, receiver):
    output = channel()
    for number in range(20):
        output.write(str(number))

    assert [body for _, body in receiver.requests] == [str(n).encode() for n in range(20)]
    assert output._pool.connection_from_url(receiver.url).num_connections == 1


def test_refusing_answer_is_told_with_its_text(channel, receiver):
    receiver.status, receiver.answer = 500, b"disk full"

    with pytest.raises(OutputError, match="answered 500: disk full"):
        channel().write("alert")


def test_receiver_that_is_not_there_is_told(channel):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"

        with pytest.raises(OutputError, match="refused"):
            channel(url).write("alert")


def test_slow_receiver_is_asked_again_then_given_up(channel, receiver, reports):
    receiver.wait_s = 30

    with pytest.raises(OutputError, match="no answer in 3 attempts"):
        channel(timeout_s=0.1, max_consecutive_timeouts=2).write("alert")
    assert len(reports) == 3


def test_compressed_body_says_so(channel, receiver):
    channel(compress_uploads=True).write("alert" * 100)
    headers, body = receiver.requests[0]

    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"alert" * 100


def test_own_headers_and_token_are_sent(channel, receiver, tmp_path):
    token = tmp_path / "token"
    token.write_text("from-file\n")
    channel(headers={"X-Cluster": "a"}, bearer_token_file=str(token)).write("alert")
    channel(bearer_token_env="TOKEN").write("alert")

    assert receiver.requests[0][0]["X-Cluster"] == "a"
    assert [headers["Authorization"] for headers, _ in receiver.requests] == ["Bearer from-file", "Bearer s3cret"]


def test_answers_are_echoed_on_standard_output(channel, output_context):
    channel(echo=True).write("alert")

    assert output_context.stdout.getvalue() == b"ok"


@pytest.mark.parametrize("url", ["", "ftp://host/", "localhost:1", "/path", "http://[::1", "http://host:99999/"])
def test_url_that_is_not_http_is_refused(channel, output_context, url):
    with pytest.raises(OutputError, match="write http://host/path"):
        HttpOutput(HttpConfig(url=url), output_context).open()


@pytest.mark.parametrize("key", ["ca_cert", "ca_bundle"])
def test_certificate_file_that_is_missing_is_named(channel, key):
    with pytest.raises(OutputError, match=f"http_output.{key} '/nowhere.pem': No such file"):
        channel("https://127.0.0.1:1/", **{key: "/nowhere.pem"})


def test_client_certificate_that_is_missing_is_named(channel):
    with pytest.raises(OutputError, match=r"http_output.client_cert '/nowhere.crt': No such file"):
        channel("https://127.0.0.1:1/", mtls=True, client_cert="/nowhere.crt")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"headers": {"X A": "b"}}, "'X A' is no name of a header"),
        ({"headers": {"": "b"}}, "'' is no name of a header"),
        ({"headers": {"X-A": "\u20ac"}}, "header 'X-A' holds a line break or characters beyond Latin 1"),
        ({"user_agent": "a\nb"}, "header 'User-Agent' holds a line break"),
        ({"bearer_token_env": "NOT_SET"}, "bearer_token_env 'NOT_SET': there is no token in it"),
        ({"bearer_token_file": "/dev/null"}, "bearer_token_file '/dev/null': there is no token in it"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(channel, keys, sentence):
    with pytest.raises(OutputError, match=re.escape(sentence)):
        channel(**keys)


def test_header_with_a_line_break_is_refused(channel):
    with pytest.raises(OutputError, match="header 'X-A' holds a line break"):
        channel(headers={"X-A": "b\r\nX-B: c"})
