"""Words and numbers as pages show them: as they were written, and inert."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from evalcommons.core.problems import printable

LONGEST: Final = 4000
"""Characters of one person's text that a page shows in one place."""

_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Python counts as printable and that nobody can see."""
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB")


def inert(value: object) -> object:
    """What a template writes for a value: text with every invisible or direction-changing character as an escape.

    Called for each expression of each template; Jinja escapes HTML afterwards.
    """
    if type(value) is not str:
        return "" if value is None else value
    if value.isascii() and value.isprintable():
        return value
    return _seen(value)


def _seen(text: str) -> str:
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    text = printable(text.replace("\r\n", "\n").replace("\t", "    "))
    if _BLANKS.isdisjoint(text):
        return text
    return "".join(f"\\u{ord(c):04x}" if c in _BLANKS else c for c in text)


def cut(text: str, most: int) -> str:
    """The text, shortened to `most` characters with a mark that there is more."""
    return text if len(text) <= most else f"{text[:most]}…"


def number(value: float) -> str:
    """A score as it was submitted, never rounded or rescaled; written as the API and the files of a board write it."""
    return repr(value)


def count(value: int, one: str, many: str = "") -> str:
    """`1 row`, `1,234 rows`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def compact(value: int) -> str:
    """A number of weights, to about three digits: `7.0B`."""
    for limit, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return str(value)


def size(value: int) -> str:
    """Bytes for people: `3.4 MB`."""
    amount = float(value)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return f"{value:,} {'byte' if value == 1 else 'bytes'}" if unit == _UNITS[0] else f"{amount:.3g} {unit}"


def day(at: int) -> Markup:
    """The day (UTC) of a time in ms, with the exact time for who asks."""
    moment = _moment(at)
    if moment is None:
        return Markup("<time>unknown</time>")
    exact = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, exact[:10])


def iso(text: str) -> Markup:
    """The same for a time as the API writes it."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, text, text[:10])


def _moment(at: int) -> datetime | None:
    # A commit says what it likes about its time.
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def link_of(url: object) -> str:
    """The address, if it leads to a web page and has no invisible characters; else an empty text."""
    if not isinstance(url, str) or len(url) > 2048 or not url.isprintable() or " " in url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def host_of(url: str) -> str:
    """The host that an address from `link_of` leads to, without `www.`."""
    return cut((urlsplit(url).hostname or "").removeprefix("www."), 60)


def path_part(text: str) -> str:
    """A path inside a repo as an address has it."""
    return quote(text, safe="/", errors="surrogatepass")


def revision_part(text: str) -> str:
    """A revision as one segment of an address."""
    return quote(text, safe="", errors="surrogatepass")
