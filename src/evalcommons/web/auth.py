"""Credentials as they travel: Bearer from the Hub's clients, Basic from git."""

import base64
import binascii

from evalcommons.core.errors import BadToken


def credentials(header: str | None) -> str:
    """The access token in an Authorization header; '' when there is none.

    With Basic the token is the password, whatever the user name; a user name without a password is taken as the token.
    raises  BadToken for a header that cannot be read
    """
    if not header:
        return ""
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic" and value:
        try:
            user, _, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise BadToken from None
        if password or user:
            return password or user
    raise BadToken
