"""Writes the parts of the docs that follow from the code: settings, commands, calls, errors, map.

Run it as `just docs`; with --check it only says which pages are behind. A generated part stands between two marks:

    <!-- made by docs/make.py: NAME -->
    <!-- end -->
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from inspect import getmodule
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "src" / "evalcommons"
ROOMS = {
    "cli": "Commands: words in, one call, print.",
    "web": "Requests: HTTP in, one service call, HTTP out.",
    "hub.py": "",
    "services": "What a person can ask for.",
    "storage": "Where bytes and rows live.",
    "client.py": "",
    "config.py": "",
    "core": "Rules and values: no files, no network, no clock.",
}
_OURS = "/api/evals"
_PAGES = "evalcommons.web.pages"
_MARK = re.compile(r"(<!-- made by docs/make\.py: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """Every setting: its name, variable, default and meaning."""
    from evalcommons.config import PREFIX, Settings, default_of

    rows = [
        (f"`{PREFIX}{f.name.upper()}`", f"`{default_of(f.name)}`" if default_of(f.name) else "", f.metadata["help"])
        for f in fields(Settings)
    ]
    return _table(("variable", "default", "meaning"), rows)


def commands() -> str:
    """Every command with its arguments and options."""
    import typer

    from evalcommons.cli.main import build

    parts = [part for path, command in _commands("evalcommons", typer.main.get_command(build(None)))
             for part in _command(path, command)]  # fmt: skip
    return "\n".join(parts)


def hub_calls() -> str:
    """The calls of the Hub, a table for each module that answers them."""
    return _calls(lambda path, module: not path.startswith(_OURS) and not module.startswith(_PAGES))


def our_calls() -> str:
    """The calls that the Hub does not have."""
    return _calls(lambda path, _module: path.startswith(_OURS))


def pages() -> str:
    """The pages, a table for each module that writes them."""
    return _calls(lambda _path, module: module.startswith(_PAGES))


def statuses() -> str:
    """Each family of errors, its status and its exit code."""
    from evalcommons.cli.errors import EXIT
    from evalcommons.web.errors import STATUS

    rows = [
        (
            f"`{family.__name__}`",
            status,
            next(EXIT[base][0] for base in family.__mro__ if base in EXIT),
            _summary(family),
        )
        for family, status in STATUS.items()
    ]
    return _table(("error", "status", "exit code", "meaning"), rows)


def the_map() -> str:
    """The first line of every module's docstring, in the order in which rooms use each other."""
    lines = []
    for room, about in ROOMS.items():
        place = PACKAGE / room
        if place.is_file():
            lines += ["", f"## {room}", "", _first_line(place)]
            continue
        lines += ["", f"## {room}/", "", about, ""]
        rows = [
            (f"`{module.relative_to(place).as_posix()}`", _first_line(module))
            for module in sorted(place.rglob("*.py"), key=lambda path: (len(path.parts), path.as_posix()))
            if module.name != "__init__.py" and "versions" not in module.parts
        ]
        lines.append(_table(("module", "what it is"), rows).rstrip())
    return "\n".join(lines).strip() + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "hub_calls": hub_calls,
    "our_calls": our_calls,
    "pages": pages,
    "statuses": statuses,
    "map": the_map,
}


def made(text: str) -> str:
    """A page with its generated parts made anew."""
    return _MARK.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[4]}", text)


def main(words: list[str]) -> int:
    """Write every page, or with --check say which are behind; returns the exit code."""
    behind = 0
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text()
        new = made(text)
        if new == text:
            continue
        behind += 1
        if "--check" in words:
            print(f"{page.relative_to(DOCS.parent)} is behind the code: run `just docs`")
        else:
            page.write_text(new)
            print(f"wrote {page.relative_to(DOCS.parent)}")
    return 1 if behind and "--check" in words else 0


def routes() -> list[tuple[str, str, Any]]:
    """Every route of the application: method, path, the function that answers."""
    from evalcommons.web.app import ROUTERS

    return [
        (method, route.path, route.endpoint)
        for router in ROUTERS
        for route in router.routes
        for method in sorted(route.methods or ())
    ]


def _calls(wanted: Callable[[str, str], bool]) -> str:
    tables: dict[str, dict[tuple[str, str], list[str]]] = {}
    for method, path, endpoint in routes():
        if wanted(path, endpoint.__module__):
            about = _summary(getmodule(endpoint)).rstrip(".")
            row = (f"`{shown_path(path)}`", _summary(endpoint))
            tables.setdefault(about, {}).setdefault(row, []).append(method)
    return "\n".join(
        f"### {about}\n\n" + _table(("", "path", "answers"), [(", ".join(sorted(m)), *row) for row, m in rows.items()])
        for about, rows in tables.items()
    )


def shown_path(path: str) -> str:
    """A route's path as readers write it: without the names of convertors."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _commands(f"{path} {name}", child)


def _command(path: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [f"{p.name.upper()}{'…' if p.nargs == -1 else ''}" for p in arguments]
    yield f"## {' '.join([path, *words])}\n"
    yield "\n".join(line.strip() for line in (command.help or "").strip().splitlines()) + "\n"
    rows = [(f"`{p.name.upper()}`", p.help or "") for p in arguments]
    rows += [
        (", ".join(f"`{name}`" for name in p.opts), p.help or "")
        for p in command.params
        if p.param_type_name == "option" and p.name != "help"
    ]
    if rows:
        yield _table(("", ""), rows)


def _table(headings: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _summary(documented: Any) -> str:
    return (documented.__doc__ or "").partition("\n")[0]


def _first_line(module: Path) -> str:
    text = ast.get_docstring(ast.parse(module.read_text()))
    return text.splitlines()[0] if text else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
