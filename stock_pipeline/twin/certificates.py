"""The twin's own certificate authority and the certificates it issues per host.

The authority is kept in the state folder, so that a command started later still trusts it. Its key
is only good for impersonating hosts to programs that were told to trust it, and is readable by its
owner alone.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import threading
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

AUTHORITY_FILE = "ca.pem"
PAIR_FILE = "ca-with-key.pem"
NO_CERTIFICATES = "no-certificates"
KEY_MARK = b"-----BEGIN"


class CertificateStore:
    """One authority and, for each host asked for, a TLS context with its certificate.

    folder        state folder; created when missing
    authority     the file a client must trust
    empty_folder  an empty folder to point `SSL_CERT_DIR` at, so that nothing else is trusted
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._authority = _load_or_create(folder / PAIR_FILE)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.authority = folder / AUTHORITY_FILE
        self.empty_folder = folder / NO_CERTIFICATES
        self.empty_folder.mkdir(exist_ok=True)
        certificate = self._authority.cert_pem.bytes()
        if not self.authority.exists() or self.authority.read_bytes() != certificate:
            os.replace(_write_beside(self.authority, certificate), self.authority)

    def context(self, host: str) -> ssl.SSLContext:
        """Return the server-side TLS context that shows a certificate of this host."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._issue(host)
            return self._contexts[host]

    def _issue(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # Tickets would be sent after the handshake to clients that ask once and leave.
        context.num_tickets = 0
        self._authority.issue_cert(host).configure_cert(context)
        return context


def _load_or_create(path: Path) -> trustme.CA:
    """Return the authority kept at this path, or a new one that is now kept there."""
    with contextlib.suppress(FileNotFoundError):
        try:
            return _read_pair(path.read_bytes())
        except ValueError:
            # Damaged: whoever trusted it must be started again anyway.
            path.unlink()
    authority = trustme.CA(organization_name="stock-pipeline twin")
    pair = authority.private_key_pem.bytes() + authority.cert_pem.bytes()
    written = _write_beside(path, pair)
    try:
        # A link, because it fails when another twin was first: then that authority counts.
        os.link(written, path)
    except FileExistsError:
        return _read_pair(path.read_bytes())
    finally:
        written.unlink()
    return authority


def _read_pair(pair: bytes) -> trustme.CA:
    """Rebuild an authority from its key and certificate; ValueError when they do not match."""
    _, key, certificate = (KEY_MARK + part for part in pair.split(KEY_MARK, 2))
    public_key = load_pem_private_key(key, password=None).public_key()
    if public_key != load_pem_x509_certificate(certificate).public_key():
        raise ValueError("the certificate is not of this key")
    return trustme.CA.from_pem(certificate, key)


def _write_beside(path: Path, content: bytes) -> Path:
    """Write content, readable by its owner alone, to a new file in the folder of path."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return Path(name)
