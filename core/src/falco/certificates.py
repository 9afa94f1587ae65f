"""Certificates and keys for TLS: OpenSSL's faults as sentences, and nothing that asks at a terminal."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, NoReturn

from falco.documents.nearby import nearest
from falco.errors import FalcoError

_CERTIFICATE: Final = b"CERTIFICATE-----"
_KEY: Final = b"PRIVATE KEY-----"
_DATED: Final = frozenset({9, 10})
"""OpenSSL's codes for a certificate that is not yet valid, and for one that is no longer."""
_FLIGHTS: Final = 4
"""Times that each side of a handshake has something to say, at most."""


class CertificateError(FalcoError):
    """A certificate or a key cannot be used; the text begins with the name of the file, *path*."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"'{path}': {reason}")
        self.path = path


def load_identity(context: ssl.SSLContext, certificate: str, key: str = "", *, is_server: bool) -> str:
    """Have *context* show a certificate.

    Args:
        context: Gets it.
        certificate: A PEM file with the certificate and those of authorities in between.
        key: A PEM file with its open key; "" = the same file.
        is_server: Whether it is shown to clients, not to servers.

    Returns:
        What others will have against it although it can be used: "… certificate has expired"; "" for nothing.

    Raises:
        CertificateError: The files are missing, hold something else or do not belong together; the key is encrypted.
    """
    key = key or certificate
    _check(certificate, _CERTIFICATE, "certificate")
    _check(key, _KEY, "key")

    def ask() -> NoReturn:
        raise CertificateError(
            key,
            "the key is encrypted and falco asks nobody for its pass phrase: write an open one "
            f"(openssl pkey -in {key} -out open.pem) that only falco's user can read",
        )

    try:
        context.load_cert_chain(certificate, key, password=ask)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            said = (
                "the key belongs to another certificate" if key == certificate else f"the key in '{key}' is another's"
            )
            raise CertificateError(certificate, said) from error
        raise CertificateError(certificate, _reason(error)) from error
    except OSError as error:
        raise CertificateError(certificate, error.strerror or str(error)) from error
    return _outdated(certificate, key, is_server=is_server)


def check_authorities(path: str) -> None:
    """See that the PEM file *path* has certificates that can be trusted.

    Raises:
        CertificateError: It is missing or holds something else.
    """
    _check(path, _CERTIFICATE, "certificate")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise CertificateError(path, _reason(error)) from error


def _check(path: str, mark: bytes, what: str) -> None:
    """Refuse the file *path* if it has not the *mark* of *what* must be in it."""
    file = Path(path)
    try:
        if file.is_file():
            found = mark in file.read_bytes()
        elif file.exists():
            raise CertificateError(path, f"it is no file: name the PEM file with the {what}")
        else:
            raise CertificateError(path, f"No such file or directory{nearest(file)}")
    except OSError as error:
        raise CertificateError(path, f"{error.strerror}; falco's user must be able to read it") from error
    if not found:
        raise CertificateError(path, f"it holds no {what} in PEM, which begins with -----BEGIN")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "not PEM").replace("_", " ").lower()


def _outdated(certificate: str, key: str, *, is_server: bool) -> str:
    """What a peer says of the dates of *certificate*, which it trusts as it is: a handshake in memory tells."""
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    judge = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if is_server else ssl.PROTOCOL_TLS_SERVER)
    for context in (shown, judge):
        context.load_cert_chain(certificate, key)
        context.check_hostname = False
    shown.verify_mode = ssl.CERT_NONE
    judge.verify_mode = ssl.CERT_REQUIRED
    judge.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    judge.load_verify_locations(certificate)
    to_shown, to_judge = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        judge.wrap_bio(to_judge, to_shown, server_side=not is_server),
        shown.wrap_bio(to_shown, to_judge, server_side=is_server),
    )
    for side in sides * _FLIGHTS:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return f"'{certificate}': {error.verify_message}" if error.verify_code in _DATED else ""
        except ssl.SSLError:
            break  # what else a peer may object to, it will say itself
    return ""
