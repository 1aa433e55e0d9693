"""A made-up NTAG 424 DNA: it signs its taps as the real one does (NXP AN12196)."""

from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def sun_message(uid: bytes, counter: int, key: bytes) -> dict[str, Any]:
    """Give what the card mirrors at this tap, as it stands in a tap's `sun`."""
    count = counter.to_bytes(3, "little")
    plain = b"\xc7" + uid + count + b"\x0a\x0b\x0c\x0d\x0e"
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    picc = encryptor.update(plain) + encryptor.finalize()
    session = cmac(key, (bytes.fromhex("3cc300010080") + uid + count).ljust(16, b"\0"))
    return {"picc": picc.hex(), "cmac": cmac(session, b"")[1::2].hex()}
