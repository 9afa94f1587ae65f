"""``init_config`` of the plugin."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from falco_k8s_audit.records import MAX_BATCH_SIZE, MAX_EVENT_SIZE, Limits

_Bytes: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of Falco's k8saudit plugin, and ours for a webhook that is not open to everyone."""

    sslCertificate: Annotated[  # noqa: N815  the key's name
        str, msgspec.Meta(description="PEM file with the certificate and the key of an https webhook.")
    ] = "/etc/falco/falco.pem"
    useAsync: Annotated[bool, msgspec.Meta(description="Has no effect here.")] = True  # noqa: N815  the key's name
    maxEventSize: Annotated[  # noqa: N815  the key's name
        _Bytes, msgspec.Meta(description="Bytes that one audit event may have; a larger one is dropped.")
    ] = MAX_EVENT_SIZE
    webhookMaxBatchSize: Annotated[  # noqa: N815  the key's name
        _Bytes, msgspec.Meta(description="Bytes that one request, line or document may have.")
    ] = MAX_BATCH_SIZE
    clientCertificates: Annotated[  # noqa: N815  in the manner of the other keys
        str,
        msgspec.Meta(description="PEM file with the authorities whose client certificates an https webhook demands."),
    ] = ""
    bearerTokenFile: Annotated[  # noqa: N815  in the manner of the other keys
        str, msgspec.Meta(description="File with the token that a request must carry (Authorization: Bearer …).")
    ] = ""

    @property
    def limits(self) -> Limits:
        """Limits of a record that is a line or a document: one event always fits."""
        return Limits(self.maxEventSize, max(self.webhookMaxBatchSize, self.maxEventSize))
