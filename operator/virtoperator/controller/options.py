"""Where virt-controller runs, and what was installed with it."""

from __future__ import annotations

import dataclasses
import os
import socket
import ssl
from collections.abc import Mapping

from .. import names


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    launcher_image: str
    identity: str
    """Tells this replica from the others."""
    namespace: str = names.NAMESPACE
    address: str = "::"
    port: int = 8443
    certificate: str = ""
    key: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Options:
        """From the environment: LAUNCHER_IMAGE, and POD_NAME, POD_NAMESPACE, METRICS_ADDRESS,
        METRICS_PORT, TLS_CERT_FILE, TLS_KEY_FILE where they differ. Raises KeyError, ValueError.
        """
        return cls(
            launcher_image=environ["LAUNCHER_IMAGE"],
            identity=environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
            namespace=environ.get("POD_NAMESPACE", names.NAMESPACE),
            address=environ.get("METRICS_ADDRESS", "::"),
            port=int(environ.get("METRICS_PORT", "8443")),
            certificate=environ.get("TLS_CERT_FILE", ""),
            key=environ.get("TLS_KEY_FILE", ""),
        )

    def tls(self) -> ssl.SSLContext | None:
        if not self.certificate:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context
