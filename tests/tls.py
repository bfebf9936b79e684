"""Certificates for tests, and a server that adds TLS to one which listens on a unix socket."""

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SSL_REQUEST = 8  # bytes with which a client of PostgreSQL asks for TLS; the answer is S


def make_authority(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for `localhost`; return its file, and one with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    public, both = folder / f"{name}.pem", folder / f"{name}-key.pem"
    public.write_bytes(pem)
    both.write_bytes(pem + private)
    return public, both


class TlsServer:
    """Listens with TLS on a port of `localhost`, and passes everything on to a unix socket."""

    def __init__(self, target: Path, certificate: Path, *, asks_first: bool) -> None:
        self.target, self.asks_first = str(target), asks_first
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Serve each client in two threads, until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, plain: socket.socket) -> None:
        """Serve one client. One that does not like the certificate ends the connection."""
        with contextlib.suppress(OSError):
            if self.asks_first:
                plain.recv(SSL_REQUEST, socket.MSG_WAITALL)
                plain.sendall(b"S")
            client = self.context.wrap_socket(plain, server_side=True)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
            pass_on(client, server)

    def close(self) -> None:
        """Stop listening."""
        self.listener.close()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Send what `source` receives to `target`; end both when one ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.close()
