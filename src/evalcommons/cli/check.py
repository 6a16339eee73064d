"""`evalcommons check`: everything wrong with evaluation files on disk, without a hub and without a network."""

import gc
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from evalcommons.core.evaluation_files import (
    BENCHMARK_PATH,
    EVIDENCE_SUFFIX,
    MAX_BYTES,
    RESULTS_FOLDER,
    RULES_PATH,
    Context,
    FileKind,
    check_file,
    check_set,
    evidence_path,
    kind_of,
    results_path,
)
from evalcommons.core.frameworks import known_frameworks
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import Problem, Severity, printable


class Format(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class Kind(StrEnum):
    """What the files belong to."""

    AUTO = "auto"
    MODEL = "model"
    DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found.

    files     evaluation files looked at
    problems  in the order of the files
    failures  paths that could not be looked at, a sentence each
    """

    files: int
    problems: tuple[Problem, ...]
    failures: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 clean, 1 errors, 2 warnings only."""
        if self.failures or any(problem.severity is Severity.ERROR for problem in self.problems):
            return 1
        return 2 if self.problems else 0


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Evaluation files, repos, or folders of repos.", show_default=False),
    ],
    output: Annotated[Format, typer.Option("--format", help="How problems are printed.")] = Format.TEXT,
    kind: Annotated[
        Kind, typer.Option("--kind", help="What the paths are; auto tells by eval.yaml and .eval_results.")
    ] = Kind.AUTO,
) -> None:
    """Check eval.yaml, leaderboard.yaml, results and evidence, as a push to a hub would.

    Needs no hub and no network, so benchmarks that results name are not looked up. Exit code: 0 clean, 1 errors,
    2 warnings only.
    """
    outcome = check_paths(paths, kind)
    _PRINTERS[output](outcome)
    raise typer.Exit(outcome.exit_code)


# --- finding files ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unit:
    """Files of one repo that are checked together.

    root   the repo's folder as the person gave it, with a slash at its end; empty for the current folder
    kind   what the repo is
    names  paths below the root
    only   the one of them whose problems are wanted; empty for all
    shown  how the person wrote that one
    """

    root: str
    kind: RepoKind
    names: tuple[str, ...]
    only: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class _Lone:
    """A file whose name says nothing, checked as what the person says it is."""

    path: str
    kind: FileKind


_Work = _Unit | _Lone

_SKIPPED: Final = frozenset((".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"))
_CHUNK: Final = 200
"""Files of one unit; larger ones share the work less evenly between processes."""


def check_paths(paths: Sequence[Path], kind: Kind = Kind.AUTO) -> Outcome:
    """Everything wrong with the evaluation files at and below the paths."""
    failures: list[str] = []
    work: list[_Work] = []
    for path in paths:
        work += _work_at(path, kind, failures)
    with _no_garbage_collection():
        files, problems = _checked(work, failures)
    return Outcome(files, tuple(problems), tuple(failures))


def _work_at(path: Path, kind: Kind, failures: list[str]) -> Iterator[_Work]:
    if path.is_dir():
        if kind is not Kind.DATASET and path.absolute().name == RESULTS_FOLDER:
            yield from _results_units(_as_root(path / ".."), failures)
        else:
            yield from _walk(_as_root(path), kind, failures)
    elif path.is_file():
        yield from _work_for_file(path, kind, failures)
    elif path.is_symlink() or path.exists():
        failures.append(f"{path} is neither a file nor a folder: name an evaluation file, a repo or a folder of repos")
    else:
        failures.append(f"{path} does not exist: check the spelling, or the folder you are in")


def _as_root(folder: Path) -> str:
    # `model/.eval_results/..` is `model`, in the words of the person who asked.
    text = os.path.normpath(folder)
    return "" if text == "." else text.rstrip("/") + "/"


def _work_for_file(path: Path, kind: Kind, failures: list[str]) -> Iterator[_Work]:
    inside = f"{RESULTS_FOLDER}/{path.name}"
    if kind is not Kind.MODEL and path.name in {BENCHMARK_PATH, RULES_PATH}:
        names = {path.name} | ({BENCHMARK_PATH} if path.with_name(BENCHMARK_PATH).is_file() else set())
        yield _Unit(_as_root(path.parent), RepoKind.DATASET, tuple(sorted(names)), path.name, str(path))
    elif (
        kind is not Kind.DATASET
        and path.absolute().parent.name == RESULTS_FOLDER
        and kind_of(RepoKind.MODEL, inside) is not None
    ):
        partner = results_path(inside) if path.name.endswith(EVIDENCE_SUFFIX) else evidence_path(inside)
        root = _as_root(path.parent / "..")
        names = {inside} | ({partner} if Path(root, partner).is_file() else set())
        yield _Unit(root, RepoKind.MODEL, tuple(sorted(names)), inside, str(path))
    elif kind is Kind.MODEL:
        yield _Lone(str(path), FileKind.EVIDENCE if path.suffix == ".json" else FileKind.RESULTS)
    elif kind is Kind.DATASET:
        yield _Lone(str(path), FileKind.BOARD_RULES if "leaderboard" in path.name else FileKind.BENCHMARK)
    else:
        failures.append(
            f"{path} is no evaluation file by its name: expected {BENCHMARK_PATH}, {RULES_PATH} or a file in "
            f"{RESULTS_FOLDER}/; say --kind model or --kind dataset to check it as one"
        )


def _walk(root: str, kind: Kind, failures: list[str]) -> Iterator[_Work]:
    """The repos at and below a folder; what lies inside a repo is not searched for others."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        files, folders = _listing(folder, failures)
        found = list(_units(folder, files, folders, kind, failures))
        yield from found
        if not found:
            waiting += (f"{folder}{name}/" for name in sorted(folders, reverse=True) if name not in _SKIPPED)


def _units(folder: str, files: list[str], folders: list[str], kind: Kind, failures: list[str]) -> Iterator[_Unit]:
    if kind is not Kind.MODEL and (BENCHMARK_PATH in files or RULES_PATH in files):
        yield _Unit(folder, RepoKind.DATASET, tuple(sorted(files)))
    if kind is not Kind.DATASET and RESULTS_FOLDER in folders:
        yield from _results_units(folder, failures)


def _results_units(root: str, failures: list[str]) -> Iterator[_Unit]:
    names = sorted(_below(root, RESULTS_FOLDER, failures))
    for start in range(0, len(names), _CHUNK):
        yield _Unit(root, RepoKind.MODEL, _with_partners(names, start, start + _CHUNK))


def _with_partners(names: list[str], start: int, end: int) -> tuple[str, ...]:
    """The files of one chunk; a pair that the cut would divide goes to the chunk of its evidence.

    `a.evidence.json` sorts right before `a.yaml` unless names such as `a.x.yaml` stand between.
    """
    everything = set(names)
    chunk = names[start:end]
    evidence = {name for name in chunk if name.endswith(EVIDENCE_SUFFIX)}
    partners = {results_path(name) for name in evidence} & everything
    kept = [name for name in chunk if name in evidence or evidence_path(name) not in everything]
    return tuple(sorted({*kept, *partners}))


def _below(folder: str, name: str, failures: list[str]) -> Iterator[str]:
    """Paths of the files in a folder and, because some put them there by mistake, in its folders."""
    files, folders = _listing(f"{folder}{name}/", failures)
    yield from (f"{name}/{file}" for file in files)
    for deeper in folders:
        inner, _ = _listing(f"{folder}{name}/{deeper}/", failures)
        yield from (f"{name}/{deeper}/{file}" for file in inner)


def _listing(folder: str, failures: list[str]) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder; links to folders are not followed."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
    except OSError as error:
        failures.append(f"{folder or '.'} cannot be read: {error.strerror}")
    return files, folders


# --- checking --------------------------------------------------------------------------------------------------------

_Checked = tuple[int, list[Problem]]

_FILES_PER_PROCESS: Final = 750
"""Files that make a second process worth its start: a fork costs some 5 ms, a file 0.06 ms."""


def _checked(work: list[_Work], failures: list[str]) -> _Checked:
    size = sum(len(unit.names) if isinstance(unit, _Unit) else 1 for unit in work)
    processes = min(_cpus(), size // _FILES_PER_PROCESS, len(work))
    if processes < 2 or not hasattr(os, "fork"):
        return _check_all(work, failures)
    share = -(-len(work) // processes)
    parts = [work[start : start + share] for start in range(0, len(work), share)]
    children = [_in_child(part) for part in parts[1:]]
    files, problems = _check_all(parts[0], failures)
    for child in children:
        more, found, failed = child()
        files += more
        problems += found
        failures += failed
    return files, problems


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_child(work: list[_Work]) -> Callable[[], tuple[int, list[Problem], list[str]]]:
    """Start checking in a forked process; the function answered waits for what it found.

    A plain fork and a pipe: importing multiprocessing alone would take longer than the work.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            failures: list[str] = []
            answer = (*_check_all(work, failures), failures)
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(answer, pipe, pickle.HIGHEST_PROTOCOL)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)

    def wait() -> tuple[int, list[Problem], list[str]]:
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        if status == 0:
            found: tuple[int, list[Problem], list[str]] = pickle.loads(answer)  # noqa: S301  (from our own child)
            return found
        failures: list[str] = []
        return (*_check_all(work, failures), failures)  # what broke the child now shows its traceback here

    return wait


def _check_all(work: Iterable[_Work], failures: list[str]) -> _Checked:
    context = Context(frameworks=known_frameworks(_extra_frameworks()))
    files = 0
    problems: list[Problem] = []
    for unit in work:
        if isinstance(unit, _Lone):
            data = _read(unit.path, failures)
            if data is not None:
                files += 1
                problems += check_file(unit.kind, unit.path, data, context)
            continue
        contents: dict[str, bytes] = {}
        for name in unit.names:
            is_read = kind_of(unit.kind, name) is not None
            data = _read(unit.root + name, failures) if is_read else b""
            if data is not None:
                contents[name] = data
                files += is_read
        found = check_set(unit.kind, contents, context)
        if unit.only:
            problems += (replace(problem, path=unit.shown) for problem in found if problem.path == unit.only)
        elif found:
            problems += (replace(problem, path=unit.root + problem.path) for problem in found)
    return files, problems


def _extra_frameworks() -> tuple[str, ...]:
    # The one setting that matters here, read without the cost of the others.
    given = os.environ.get("EVALCOMMONS_FRAMEWORKS", "")
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _read(path: str, failures: list[str]) -> bytes | None:
    """The file's bytes; of one that is too large just enough to see that it is."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            data = os.read(descriptor, MAX_BYTES + 1)
            while len(data) <= MAX_BYTES and (more := os.read(descriptor, MAX_BYTES + 1 - len(data))):
                data += more
            return data
        finally:
            os.close(descriptor)
    except OSError as error:
        failures.append(f"{path} cannot be read: {error.strerror}")
        return None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Reading makes many objects and no cycles; looking for some costs a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# --- printing --------------------------------------------------------------------------------------------------------


def _summary(outcome: Outcome) -> str:
    errors = sum(problem.severity is Severity.ERROR for problem in outcome.problems)
    warnings = len(outcome.problems) - errors
    found = ", ".join(_count(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n) or "no problems"
    return f"{_count(outcome.files, 'file')} checked: {found}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _print_failures(outcome: Outcome) -> None:
    for failure in outcome.failures:
        print(f"evalcommons check: {printable(failure)}", file=sys.stderr)


def _print_text(outcome: Outcome) -> None:
    if outcome.problems and sys.stdout.isatty():
        _print_coloured(outcome)
    else:
        sys.stdout.write("".join(f"{problem.text()}\n" for problem in outcome.problems))
    _print_failures(outcome)
    if outcome.files or not outcome.failures:
        print(_summary(outcome))
    if not outcome.files and not outcome.failures:
        print(
            f"no {BENCHMARK_PATH}, {RULES_PATH} or {RESULTS_FOLDER}/ was found there: is it the right folder?",
            file=sys.stderr,
        )


def _print_coloured(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for problem in outcome.problems:
        text = Text(problem.text())
        text.highlight_regex(r"^.*?:\d+:\d+(?=: (?:error|warning): )", "bold")
        text.highlight_regex(r"(?<=\d: )error(?=: )", "bold red")
        text.highlight_regex(r"(?<=\d: )warning(?=: )", "bold yellow")
        text.highlight_regex(r"(?m)^    .*$", "dim")
        console.print(text)


def _print_json(outcome: Outcome) -> None:
    errors = sum(problem.severity is Severity.ERROR for problem in outcome.problems)
    answer = {
        "files": outcome.files,
        "errors": errors,
        "warnings": len(outcome.problems) - errors,
        "failures": list(outcome.failures),
        "problems": [problem.as_dict() for problem in outcome.problems],
    }
    json.dump(answer, sys.stdout, indent=2)
    print()


def _print_github(outcome: Outcome) -> None:
    """Workflow commands, which GitHub shows as notes at the lines of a pull request."""
    for problem in outcome.problems:
        text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
        where = f"file={_property(problem.path)},line={problem.line},col={problem.column},title={problem.code}"
        print(f"::{problem.severity} {where}::{_data(text)}")
    for failure in outcome.failures:
        print(f"::error::{_data(failure)}")
    print(_summary(outcome))


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_PRINTERS: Final = {Format.TEXT: _print_text, Format.JSON: _print_json, Format.GITHUB: _print_github}
