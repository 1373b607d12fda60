"""Custodians that listen, for tests: the product's own server in a thread, and brokers' side of it."""

import os
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import socket

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keys import serving
from keys.custodian import Custodian
from keys.remote import RemoteCustodian, tls_context
from keys.server import Application

DAY = timedelta(days=1)


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path is short enough for a socket in it."""
    path = Path(tempfile.mkdtemp(prefix="tillit-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def on_a_socket(
    custodian: Custodian, *, peers: Collection[int] | None = None
) -> Iterator[RemoteCustodian]:
    """A custodian behind a unix socket, as a broker sees it."""
    allowed = {os.getuid()} if peers is None else peers
    with (
        short_directory() as home,
        serving.unix_socket(home / "socket") as listening,
        _running(custodian, listening, peers=allowed),
    ):
        remote = RemoteCustodian(str(home / "socket"))
        yield remote
        remote.close()


@contextmanager
def _running(
    custodian: Custodian,
    listening: socket,
    *,
    peers: Collection[int] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[None]:
    application = Application(custodian)
    server = serving.server(application, peers=peers, tls=tls)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the custodian did not start"
            time.sleep(0.002)
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        application.close()


@contextmanager
def over_tls(
    custodian: Custodian, *, server: ssl.SSLContext, client: ssl.SSLContext
) -> Iterator[RemoteCustodian]:
    """A custodian behind TCP with TLS, as a broker sees it."""
    with serving.tcp_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with _running(custodian, listening, tls=server):
            remote = RemoteCustodian(f"https://127.0.0.1:{port}", tls=client)
            yield remote
            remote.close()


class Authority:
    """Somebody who signs certificates."""

    def __init__(self, directory: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._directory = directory
        self.file = directory / f"{name}.ca.pem"
        own = self._signed(self._name, self._key, authority=True)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def certificate(self, name: str) -> tuple[Path, Path]:
        """A certificate for this machine, and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._signed(subject, key, authority=False)
        chain, private = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        private.chmod(0o600)
        return chain, private

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(own, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def both_ends(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a custodian and of a broker who believe each other's certificates."""
    custodians, brokers = Authority(directory, "custodians"), Authority(directory, "brokers")
    chain, key = custodians.certificate("custodian")
    server = tls_context(certificate=chain, key=key, authorities=brokers.file, server=True)
    chain, key = brokers.certificate("broker")
    return server, tls_context(certificate=chain, key=key, authorities=custodians.file)
