"""The key a meter signs with: ECDSA over the curve secp256r1."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class MeterKey:
    """A private key, and the public one that goes with it."""

    def __init__(self, number: int) -> None:
        """number: the private key, above 0 and below the order of the curve."""
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        encoding, layout = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        self.public = base64.b64encode(self._key.public_key().public_bytes(encoding, layout)).decode()
        """In DER, as base64."""

    def sign(self, document: bytes) -> bytes:
        """The signature, over SHA-256, in DER; always the same for the same document."""
        return self._key.sign(document, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
