"""Authentication by token."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from onward.serving.server.refusal import Refusal

CHALLENGE = 'Bearer, Basic realm="onward", charset="UTF-8"'


class Guard:
    """Accepts requests with the token.

    It is sent as ``Authorization: Bearer TOKEN``, or as the password of Basic authentication with
    any user, for browsers.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise a Refusal with status 401 if the token is missing or wrong."""
        if self._token and not self._is_token(_credentials(headers.get(b"authorization", b""))):
            raise Refusal(
                401,
                "a token is required: send the header 'Authorization: Bearer TOKEN'",
                (("www-authenticate", CHALLENGE),),
            )

    def _is_token(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._token)  # in constant time


def _credentials(authorization: bytes) -> bytes:
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return value.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
