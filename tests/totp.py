"""An authenticator app: the six digits of RFC 6238."""

import base64
import hmac
import struct
import time


def code_of(secret: str, *, steps: int = 0) -> str:
    """The code that the app shows now; `steps` half minutes later."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"
