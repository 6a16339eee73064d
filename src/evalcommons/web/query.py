"""What the part of an address after the question mark says."""

from fastapi import Request

from evalcommons.core.errors import BadRequest

_YES = frozenset({"true", "1", "True"})
_NO = frozenset({"false", "0", "False", ""})


def flag(request: Request, name: str) -> bool:
    """Is this asked for? Clients write `true`, `True` or `1`.

    raises  BadRequest
    """
    return maybe(request, name) is True


def maybe(request: Request, name: str) -> bool | None:
    """Yes, no, or None when nothing is said.

    raises  BadRequest
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise BadRequest(f'"{name}" must be true or false, not {text[:50]!r}')


def names(request: Request, name: str) -> list[str]:
    """Every text given under `name` or `name[]`, in order, each once.

    raises  BadRequest for one with a NUL in it: databases take it for the end, or for an error
    """
    given = request.query_params.multi_items()
    found = list(dict.fromkeys(value for key, value in given if key in {name, f"{name}[]"} and value))
    if any("\0" in value for value in found):
        raise BadRequest(f'"{name}" must not have a NUL character in it')
    return found


def whole_number(request: Request, name: str, default: int, *, least: int = 0) -> int:
    """The number given under `name`.

    raises  BadRequest
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:
        return int(text)
    raise BadRequest(f'"{name}" must be a whole number of at least {least}, not {text[:50]!r}')
