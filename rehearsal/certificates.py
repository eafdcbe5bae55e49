"""The rehearsal's own certificate authority.

Whoever trusts it (a browser, a host of the rehearsal) trusts it for a few names only: its certificate
carries critical name constraints (RFC 5280, 4.2.1.10), so that a stolen key could not speak for the AWS APIs
or for anybody's site.
"""

from __future__ import annotations

import datetime
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: The only names the authority can speak for, each with everything below it: sites of the rehearsal, and the
#: names that RDS, ElastiCache, Elastic Load Balancing and CloudFront give to the endpoints they make.
#: The rest of amazonaws.com (S3, STS, Secrets Manager, …) stays out of its reach.
PERMITTED_SUBTREES = (
    "localhost",
    "rds.amazonaws.com",
    "cache.amazonaws.com",
    "elb.amazonaws.com",
    "cloudfront.net",
)

#: CA/Browser Forum Baseline Requirements allowed a leaf 398 days when browsers last fixed their limit.
LEAF_LIFETIME = datetime.timedelta(days=397)
AUTHORITY_LIFETIME = datetime.timedelta(days=5 * 365)
#: A certificate closer to its end than this is made anew.
RENEWAL_MARGIN = datetime.timedelta(days=30)
#: Certificates begin a little in the past, because a container's clock may trail.
CLOCK_SKEW = datetime.timedelta(minutes=5)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_thread_lock = threading.Lock()


@dataclass(frozen=True)
class IssuedCertificate:
    """Where a certificate lies: PEM, the leaf first and then the authority; the key is PKCS #8 with mode
    0600.
    """

    cert_path: Path
    key_path: Path


def is_permitted(name: str) -> bool:
    """Whether the authority's name constraints let it sign the DNS name (which may begin with `*.`)."""
    host = name.lower().removeprefix("*.")
    return any(host == subtree or host.endswith("." + subtree) for subtree in PERMITTED_SUBTREES)


class CertificateAuthority:
    """The authority of one rehearsal; its files lie in `<state>/authority/`.

    The first use makes the key and the certificate; later uses, from whichever process, find them.
    """

    def __init__(self, state: Path) -> None:
        self._directory = state / "authority"

    @property
    def cert_path(self) -> Path:
        """The authority's own certificate in PEM, for trust stores. Made when it is not there yet."""
        with self._locked():
            self._authority()
        return self._directory / "ca.pem"

    def issue(self, names: Sequence[str], *, name: str) -> IssuedCertificate:
        """The server certificate for the DNS names, kept as `<state>/authority/issued/<name>/`.

        The same files are returned until the names change, the end of the certificate comes near or the
        authority is another one. Raises ValueError for a name outside `PERMITTED_SUBTREES` and when there is
        no name.
        """
        wanted = sorted({each.lower() for each in names})
        if not wanted:
            raise ValueError(f"certificate {name!r} has no name to speak for")
        if refused := [each for each in wanted if not is_permitted(each)]:
            raise ValueError(f"the rehearsal's authority may not sign {', '.join(refused)}")
        return self._issued(wanted, name, lambda: ec.generate_private_key(ec.SECP256R1()))

    def issue_signer(self, *, name: str) -> IssuedCertificate:
        """A certificate that signs messages and speaks for no name, with an RSA key, kept as those of servers."""
        return self._issued([], name, lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def _issued(self, names: Sequence[str], name: str, make_key: Callable[[], PrivateKey]) -> IssuedCertificate:
        with self._locked():
            key, certificate = self._authority()
            directory = self._directory / "issued" / name
            issued = IssuedCertificate(directory / "cert.pem", directory / "key.pem")
            if not _still_good(issued, names, certificate):
                directory.mkdir(parents=True, exist_ok=True)
                own = make_key()
                _write_pair(issued, own, _make_leaf(names, own, key, certificate), certificate)
            return issued

    def _authority(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Find or make the authority; the caller holds the lock."""
        paths = IssuedCertificate(self._directory / "ca.pem", self._directory / "ca.key")
        found = _load_pair(paths)
        if (
            found is None
            or not isinstance(found[0], ec.EllipticCurvePrivateKey)
            or _ends_soon(found[1])
            or not _same_constraints(found[1])
        ):
            made = _make_authority()
            _write_pair(paths, *made)
            return made
        return found[0], found[1]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True)
        with _thread_lock, (self._directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _constraints() -> x509.NameConstraints:
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(subtree) for subtree in PERMITTED_SUBTREES],
        # A type without a permitted subtree is unconstrained, so addresses have to be excluded by name.
        excluded_subtrees=[x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))],
    )


def _make_authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Slipway"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Slipway rehearsal authority"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(_constraints(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _make_leaf(
    names: Sequence[str],
    key: PrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
) -> x509.Certificate:
    """A server's certificate, or without names a signer's."""
    now = datetime.datetime.now(datetime.UTC)
    end = min(now - CLOCK_SKEW + LEAF_LIFETIME, authority.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        # Endpoint names may be longer than the 64 characters of a common name, so the names stand in the SAN
        # alone.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Slipway rehearsal")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(authority_key, hashes.SHA256())


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC) < RENEWAL_MARGIN


def _same_constraints(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    return found == _constraints()


def _load_pair(paths: IssuedCertificate) -> tuple[PrivateKey, x509.Certificate] | None:
    """Key and certificate, or None when one is missing, broken or does not belong to the other."""
    try:
        certificate = x509.load_pem_x509_certificate(paths.cert_path.read_bytes())
        key = serialization.load_pem_private_key(paths.key_path.read_bytes(), password=None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, PrivateKey) or key.public_key() != certificate.public_key():
        return None
    return key, certificate


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sorted(alternative.get_values_for_type(x509.DNSName))


def _still_good(issued: IssuedCertificate, names: Sequence[str], authority: x509.Certificate) -> bool:
    found = _load_pair(issued)
    if found is None or _ends_soon(found[1]):
        return False
    if _names(found[1]) != list(names):
        return False
    try:
        found[1].verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _write_pair(
    paths: IssuedCertificate,
    key: PrivateKey,
    certificate: x509.Certificate,
    authority: x509.Certificate | None = None,
) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = [certificate, *([authority] if authority else [])]
    _write(paths.key_path, private, 0o600)
    _write(paths.cert_path, b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    temporary.replace(path)
