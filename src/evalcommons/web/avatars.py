"""Pictures for accounts, drawn here: nobody is asked for one, and no other site is told who looks."""

import hashlib
from html import escape

from evalcommons.storage.index.accounts import Account


def avatar(account: Account) -> str:
    """An SVG of the account's first letters on a colour made from its name; round for users, square for organisations.

    White on these colours has a contrast of at least 4.5 at every hue.
    """
    hue = int.from_bytes(hashlib.sha256(account.name.lower().encode()).digest()[:2], "big") % 360
    corner = 18 if account.is_org else 50
    letters = escape(account.name[:2].upper() if not account.is_org else account.name[:1].upper())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="100" height="100" role="img" '
        f'aria-label="{escape(account.name)}">'
        f'<rect width="100" height="100" rx="{corner}" fill="hsl({hue} 60% 28%)"/>'
        '<text x="50" y="52" fill="#fff" font-family="sans-serif" font-size="42" text-anchor="middle" '
        f'dominant-baseline="central">{letters}</text></svg>'
    )
