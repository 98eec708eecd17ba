"""Secrets and personal data at rest: AES-256-GCM under a key of the platform's secret."""

import base64
import hmac
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


def seal(secret_key: str, text: str, *, purpose: str) -> str:
    """Encrypt a text for one purpose."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(
        nonce + _cipher(secret_key).encrypt(nonce, text.encode(), purpose.encode())
    ).decode()


def unseal(secret_key: str, sealed: str, *, purpose: str) -> str:
    """Decrypt what was sealed for the same purpose."""
    raw = base64.b64decode(sealed)
    return (
        _cipher(secret_key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
    )


def fingerprint(secret_key: str, text: str, *, purpose: str) -> str:
    """Tell equal texts by a code that nobody without the secret can find the text to."""
    return hmac.digest(secret_key.encode(), f"{purpose}|{text}".encode(), "sha256").hex()


def _cipher(secret_key: str) -> AESGCM:
    # The label names what was sealed first: under another one it could not be read any more.
    derive = HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=b"liangxin identity keys v1"
    )
    return AESGCM(derive.derive(secret_key.encode()))
