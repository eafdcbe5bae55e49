"""What carries the messages of SNS to endpoints on the web: signed, tried again, and to this machine's own names too.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html

Not there: delivery policies, a subscription's dead-letter queue, and what was under way when the cloud ended.
"""

from __future__ import annotations

import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from urllib3.exceptions import HTTPError

from rehearsal.certificates import CertificateAuthority
from rehearsal.emulator.corrections import sns
from rehearsal.emulator.corrections.sns import Post

log = logging.getLogger(__name__)

#: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy
RETRIES: Final = 3
RETRY_SECONDS: Final = 20.0
#: https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
ANSWER_SECONDS: Final = 15.0
_TOO_MANY: Final = 429


class Deliveries:
    """Delivers in the background. Names below `localhost` are this machine, as browsers have it."""

    def __init__(self, authority: CertificateAuthority, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._authority = authority
        self._retry_seconds = retry_seconds
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sns")
        self._stopping = threading.Event()
        self._trust = ssl.create_default_context()

    def start(self) -> None:
        """From now on the account's messages are signed and delivered."""
        issued = self._authority.issue_signer(name="sns")
        key = serialization.load_pem_private_key(issued.key_path.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 (made so)
        self._trust.load_verify_locations(str(self._authority.cert_path))
        sns.attach(
            sns.Carriage(
                key=key,
                certificate=x509.load_pem_x509_certificate(issued.cert_path.read_bytes()),
                carry=lambda post: self._submit(post, RETRIES),
            )
        )

    def stop(self) -> None:
        """Deliver no more."""
        sns.attach(None)
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, post: Post, retries: int) -> None:
        if not self._stopping.is_set():
            self._pool.submit(self._deliver, post, retries)

    def _deliver(self, post: Post, retries: int) -> None:
        kind = post.headers["x-amz-sns-message-type"]
        try:
            status = _send(post, self._trust)
        except (HTTPError, ValueError, OSError) as error:
            said, hopeless = f"{type(error).__name__}: {error}", False
        else:
            if 200 <= status < 300:
                log.info("SNS has told %s: %s", post.url, kind)
                return
            # What the client has done wrong will be wrong again.
            said, hopeless = f"it answered {status}", status < 500 and status != _TOO_MANY
        if hopeless or retries == 0:
            log.warning("SNS gives up on %s (%s): %s", post.url, kind, said)
            return
        log.info("SNS tries %s (%s) again in %.0f s: %s", post.url, kind, self._retry_seconds, said)
        later = threading.Timer(self._retry_seconds, self._submit, (post, retries - 1))
        later.daemon = True
        later.start()


def _send(post: Post, trust: ssl.SSLContext) -> int:
    """The status of the answer; redirects are answers."""
    parts = urlsplit(post.url)
    host = parts.hostname or ""
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, parts.port or 443, ssl_context=trust, server_hostname=host, assert_hostname=host
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, parts.port or 80)
    with pool:
        answer = pool.urlopen(
            "POST",
            f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}",
            body=post.body,
            headers={**post.headers, "Host": parts.netloc.rpartition("@")[2]},
            retries=False,
            redirect=False,
            timeout=ANSWER_SECONDS,
        )
        return answer.status
