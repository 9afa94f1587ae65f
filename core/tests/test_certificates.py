"""Certificates and keys that cannot be used, or not for long: a sentence each, and never a question at a terminal."""

import os
import shutil
import ssl
import subprocess
import sys

import pytest

from falco import CertificateError, check_authorities, load_identity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates and keys of all kinds."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")
    made = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=made, check=True, capture_output=True)

    for name, days in (("good", "2"), ("old", "-1"), ("other", "2")):
        openssl(
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", f"{name}.key", "-out", "csr"
        )
        openssl("x509", "-req", "-in", "csr", "-signkey", f"{name}.key", "-days", days, "-out", f"{name}.pem")
    openssl("pkey", "-in", "good.key", "-aes256", "-passout", "pass:secret", "-out", "closed.key")
    for name, key in (("both", "good.key"), ("closed", "closed.key"), ("mixed", "other.key")):
        (made / f"{name}.pem").write_bytes((made / "good.pem").read_bytes() + (made / key).read_bytes())
    (made / "torn.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (made / "text.pem").write_text("no certificate\n")
    (made / "directory.pem").mkdir()
    if sys.platform != "win32":
        os.mkfifo(made / "pipe.pem")
    return made


def load(folder, certificate, key="", *, is_server=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    return load_identity(context, str(folder / certificate), str(folder / key) if key else "", is_server=is_server)


@pytest.mark.parametrize("is_server", [True, False])
class TestAnIdentity:
    def test_that_is_sound_is_loaded_without_a_word(self, folder, is_server):
        assert load(folder, "good.pem", "good.key", is_server=is_server) == ""
        assert load(folder, "both.pem", is_server=is_server) == ""

    def test_that_has_expired_is_loaded_and_said(self, folder, is_server):
        assert load(folder, "old.pem", "old.key", is_server=is_server) == f"'{folder}/old.pem': certificate has expired"

    @pytest.mark.parametrize(
        ("files", "wrong", "sentence"),
        [
            (("closed.pem",), "closed.pem", "the key is encrypted and falco asks nobody for its pass phrase"),
            (("good.pem", "closed.key"), "closed.key", r"openssl pkey -in .*closed\.key -out open\.pem"),
            (("good.pem", "other.key"), "good.pem", r"the key in '.*other\.key' is another's"),
            (("mixed.pem",), "mixed.pem", "the key belongs to another certificate"),
            (("good.pem",), "good.pem", "it holds no key in PEM"),
            (("good.key", "good.key"), "good.key", "it holds no certificate in PEM"),
            (("text.pem",), "text.pem", "it holds no certificate in PEM"),
            (("torn.pem", "good.key"), "torn.pem", "."),
            (("nowhere.pem",), "nowhere.pem", "No such file or directory"),
            (("good.pem", "god.key"), "god.key", r"No such file or directory.*good\.key"),
            (("directory.pem",), "directory.pem", "it is no file: name the PEM file with the certificate"),
            (("good.pem", "directory.pem"), "directory.pem", "it is no file: name the PEM file with the key"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
    )
    def test_that_cannot_be_used_names_the_file_and_the_reason(self, folder, files, wrong, sentence, is_server):
        with pytest.raises(CertificateError, match=f"^'.*{wrong}': .*{sentence}") as refused:
            load(folder, *files, is_server=is_server)

        assert refused.value.path == str(folder / wrong)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_not_waited_for(folder):
    with pytest.raises(CertificateError, match="it is no file"):
        load(folder, "pipe.pem")


def test_authorities_are_certificates(folder):
    check_authorities(str(folder / "good.pem"))
    for wrong in ("text.pem", "torn.pem", "good.key", "directory.pem", "nowhere.pem"):
        with pytest.raises(CertificateError, match=f"^'{folder}/{wrong}': "):
            check_authorities(str(folder / wrong))
