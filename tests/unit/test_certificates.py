from __future__ import annotations

import datetime
import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from rehearsal import certificates
from rehearsal.certificates import CertificateAuthority, IssuedCertificate, is_permitted

SITE = "app.slipway.localhost"


def leaf(issued: IssuedCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificates(issued.cert_path.read_bytes())[0]


def handshake(authority: Path, issued: IssuedCertificate, server_name: str) -> str:
    """Speak TLS over a socket pair; the client's error, or an empty string when it accepts the
    certificate.
    """
    client_socket, server_socket = socket.socketpair()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(issued.cert_path, issued.key_path)

    def serve() -> None:
        try:
            server_context.wrap_socket(server_socket, server_side=True).close()
        except OSError:
            server_socket.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        ssl.create_default_context(cafile=str(authority)).wrap_socket(
            client_socket, server_hostname=server_name
        ).close()
        return ""
    except ssl.SSLError as error:
        return str(error)
    finally:
        client_socket.close()
        server.join(5)


@pytest.mark.parametrize(
    "name",
    [
        SITE,
        "database.c1x2.eu-west-1.rds.amazonaws.com",
        "master.cache.abc123.euw1.cache.amazonaws.com",
        "d111111abcdef8.cloudfront.net",
    ],
)
def test_a_client_that_trusts_the_authority_accepts_its_names(tmp_path: Path, name: str) -> None:
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue([name], name="server")
    assert handshake(authority.cert_path, issued, name) == ""
    assert "Hostname mismatch" in handshake(authority.cert_path, issued, "other.localhost")


def test_openssl_verifies_the_chain_strictly(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue([SITE, "*.slipway.localhost"], name="site")
    check = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
        "x.slipway.localhost",  "-CAfile", str(authority.cert_path), str(issued.cert_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout + check.stderr


def test_a_leaf_is_what_browsers_ask_for(tmp_path: Path) -> None:
    certificate = leaf(CertificateAuthority(tmp_path).issue([SITE], name="site"))
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= datetime.timedelta(days=397)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [SITE]


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    issued = CertificateAuthority(tmp_path).issue([SITE], name="site")
    for key in (tmp_path / "authority" / "ca.key", issued.key_path):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_stolen_key_cannot_speak_for_the_aws_api(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    genuine = authority.issue([SITE], name="site")
    authority_key = serialization.load_pem_private_key((tmp_path / "authority" / "ca.key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    authority_certificate = x509.load_pem_x509_certificate(authority.cert_path.read_bytes())
    forged = IssuedCertificate(tmp_path / "forged.pem", tmp_path / "forged.key")
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificates._make_leaf(["sts.amazonaws.com"], key, authority_key, authority_certificate)
    certificates._write_pair(forged, key, leaf)
    assert handshake(authority.cert_path, genuine, SITE) == ""
    assert "permitted subtree violation" in handshake(authority.cert_path, forged, "sts.amazonaws.com")


@pytest.mark.parametrize("name", ["example.com", "s3.eu-west-1.amazonaws.com", "notlocalhost", "localhost.example"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    assert not is_permitted(name)
    with pytest.raises(ValueError, match="may not sign"):
        CertificateAuthority(tmp_path).issue([SITE, name], name="site")


def test_a_certificate_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name"):
        CertificateAuthority(tmp_path).issue([], name="site")


def test_it_is_issued_again_only_when_the_names_change(tmp_path: Path) -> None:
    first = leaf(CertificateAuthority(tmp_path).issue([SITE, "a.localhost"], name="site"))
    same = leaf(CertificateAuthority(tmp_path).issue(["A.localhost", SITE], name="site"))
    other = leaf(CertificateAuthority(tmp_path).issue([SITE], name="site"))
    assert first == same
    assert other.serial_number != first.serial_number


def test_it_is_issued_again_when_its_end_is_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LEAF_LIFETIME", datetime.timedelta(days=29))
    short = leaf(CertificateAuthority(tmp_path).issue([SITE], name="site"))
    monkeypatch.undo()
    assert leaf(CertificateAuthority(tmp_path).issue([SITE], name="site")) != short


def test_a_new_authority_issues_everything_again(tmp_path: Path) -> None:
    before = leaf(CertificateAuthority(tmp_path).issue([SITE], name="site"))
    (tmp_path / "authority" / "ca.key").unlink()
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue([SITE], name="site")
    assert leaf(issued) != before
    assert handshake(authority.cert_path, issued, SITE) == ""
