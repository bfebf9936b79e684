"""A passkey in software: it signs what a page asks for, with or without having verified the person."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def as_bytes(value: Any) -> bytes:
    """Return a value of a page's options, which are base64 text or bytes."""
    return value if isinstance(value, bytes) else urlsafe_b64decode(value + "=" * (-len(value) % 4))


class SoftPasskey:
    """One credential. `options` are what a page hands to the browser."""

    def __init__(self, *, verifies: bool = True, origin: str = ORIGIN) -> None:
        self.key, self.credential_id = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self.flags, self.origin = PRESENT | (VERIFIED if verifies else 0), origin
        self.user_handle, self.count = b"", 0

    def register(self, options: dict[str, Any]) -> str:
        """Return the answer to a page that adds a passkey, as the value of its form's field."""
        options = options["publicKey"]
        self.user_handle = as_bytes(options["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + public
        data = self.authenticator_data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self.answer(
            {
                "clientDataJSON": encode(self.client_data("webauthn.create", options)),
                "attestationObject": encode(attestation),
            }
        )

    def sign(self, options: dict[str, Any]) -> str:
        """Return the answer to a page that asks for a passkey, as the value of its form's field."""
        options = options["publicKey"]
        self.count += 1
        data, client_data = (
            self.authenticator_data(options["rpId"]),
            self.client_data("webauthn.get", options),
        )
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer(
            {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": encode(self.user_handle),
            }
        )

    def authenticator_data(self, relying_party: str, more_flags: int = 0) -> bytes:
        flags = self.flags | more_flags
        return hashlib.sha256(relying_party.encode()).digest() + struct.pack(">BI", flags, self.count)

    def client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        challenge = encode(as_bytes(options["challenge"]))
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def answer(self, response: dict[str, str]) -> str:
        credential = {
            "id": encode(self.credential_id),
            "rawId": encode(self.credential_id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {"credProps": {"rk": True}},
            "authenticatorAttachment": "platform",
        }
        return json.dumps(credential)
