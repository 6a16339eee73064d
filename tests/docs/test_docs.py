"""What the docs say is what the code does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from doc_blocks import BLOCK, run_page
from evalcommons.core.board_rules import BoardRules, TaskRules
from evalcommons.core.evaluation_files import Context, FileKind, check_file
from evalcommons.core.results import DatasetFacts

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PACKAGE = ROOT / "src" / "evalcommons"
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_follows_from_the_code_is_up_to_date(make, page):
    """Settings, commands, calls, statuses and the map; `just docs` writes them."""
    text = page.read_text()
    assert make.made(text) == text, "run `just docs`"


def test_every_generated_part_has_its_place(make):
    """None can be lost by deleting its marks."""
    text = "".join(page.read_text() for page in PAGES)
    for name in make.PARTS:
        assert text.count(f"<!-- made by docs/make.py: {name} -->") == 1, name


def test_every_setting_is_explained():
    """Name, default, meaning."""
    from evalcommons.config import PREFIX, Settings

    text = (ROOT / "docs" / "settings.md").read_text()
    for name, field in Settings.__dataclass_fields__.items():
        assert f"`{PREFIX}{name.upper()}`" in text
        assert field.metadata["help"].endswith((".", ")"))
        assert field.metadata["help"] in text


def test_every_call_has_a_row_that_says_what_it_answers(make):
    """A new route comes with its line."""
    text = (ROOT / "docs" / "hub-api.md").read_text() + (ROOT / "docs" / "api.md").read_text()
    for method, path, _ in make.routes():
        rows = [line for line in text.splitlines() if f"| `{make.shown_path(path)}` |" in line and method in line]
        assert rows, f"{method} {path}"
        assert all(len(row.split("|")[3].strip()) > 4 for row in rows), rows


def test_every_module_says_what_it_is():
    """The map is made from the first lines, so each is a sentence."""
    for module in PACKAGE.rglob("*.py"):
        if "migrations" in module.parts:
            continue
        first = module.read_text().splitlines()[0]
        assert re.match(r'^"""[^"]{10,}', first), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Links inside the docs name files that are there."""
    for target in _LINK.findall(page.read_text()):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


def test_variables_named_in_the_docs_exist():
    """No setting is promised that is not there."""
    from evalcommons.cli.main import DEBUG
    from evalcommons.config import PREFIX, Settings

    known = {PREFIX + name.upper() for name in Settings.__dataclass_fields__} | {DEBUG}
    for page in PAGES:
        assert set(re.findall(r"EVALCOMMONS_[A-Z_]*[A-Z]", page.read_text())) <= known, page.name


def test_commands_named_in_the_docs_exist(make):
    """Each `evalcommons …` in a text or a block is a command."""
    import typer

    from evalcommons.cli.main import build

    known = {path for path, _ in make._commands("evalcommons", typer.main.get_command(build(None)))}
    for page in PAGES:
        for words in re.findall(r"\bevalcommons((?: [a-z]+)+)", page.read_text()):
            said = "evalcommons" + words
            is_text = not re.search(r"evalcommons (serve|admin|check|demo|leaderboard)", said)
            assert is_text or any(said.startswith(path) or path.startswith(said) for path in known), (page.name, said)


def test_readme_s_two_commands_are_what_ci_runs():
    """One for looking, one for the tests."""
    blocks = [
        text for language, text in [(b[1], b[3]) for b in BLOCK.finditer(PAGES[0].read_text())] if language == "bash"
    ]
    assert len(blocks) == 2
    assert "evalcommons demo" in blocks[0]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_help_is_quick_and_loads_no_room():
    """`evalcommons --help` imports the command line only: not the hub, the web framework, SQL or git."""
    code = (
        "import sys; sys.argv = ['evalcommons', '--help']\n"
        "from evalcommons.cli.main import main\n"
        "assert main() == 0\n"
        "heavy = {'sqlalchemy', 'pygit2', 'fastapi', 'huggingface_hub', 'rich', 'pydantic', 'evalcommons.hub'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr.splitlines()[-1] == "[]"
    best = min(_seconds([sys.executable, "-m", "evalcommons.cli.main", "--help"]) for _ in range(5))
    assert best < 0.3


def _seconds(command: list[str]) -> float:
    """Processor time of a program: on a busy machine the clock on the wall tells about others."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True, timeout=30)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.timeout(180)
def test_getting_started_works_as_written(server, tmp_path):
    """The blocks marked `run`, one after the other, each in a fresh shell, against a live hub."""
    env = server.env() | {"EVALCOMMONS_DATA": str(server.hub.settings.data)}
    printed = run_page(ROOT / "docs" / "getting-started.md", tmp_path, env)
    assert len(printed) >= 4
    shown = printed[-1]
    assert "alice/tiny" in shown
    assert "0.75" in shown
    reports = httpx2.get(f"{server.url}/api/datasets/alice/sums/leaderboard?all=true").json()
    assert sorted(report["value"] for report in reports) == [0.5, 0.75]


@pytest.mark.timeout(180)
def test_reporting_works_as_written(server, tmp_path):
    """Every example of the page, in its order: reported, proposed, listed, closed."""
    env = server.env() | {"EVALCOMMONS_DATA": str(server.hub.settings.data)}
    printed = run_page(ROOT / "docs" / "reporting.md", tmp_path, env)
    assert "1 file" in printed[1] or "2 files" in printed[1]
    assert "0.62" in printed[2]
    reports = json.loads(printed[4])
    assert [(row["value"], row["state"], row.get("pullRequest")) for row in reports] == [
        (0.62, "ranked", None),
        (0.58, "ranked", 1),
    ]
    assert "0.58" not in printed[5]


def test_the_refusal_in_the_docs_is_what_the_hub_says():
    """docs/reporting.md quotes a message: it is that message."""
    quoted = (ROOT / "docs" / "reporting.md").read_text().partition("Evaluation files were refused:\n")[2]
    quoted = quoted.partition("```")[0]
    facts = DatasetFacts("ada/words", ("rare",), BoardRules({"rare": TaskRules(unit="fraction", bounds=(0, 1))}))
    text = b"- dataset: {id: ada/words, task_id: rare}\n  value: 58\n"
    path = ".eval_results/percent.yaml"
    problems = check_file(FileKind.RESULTS, path, text, Context(lookup=lambda _: facts))
    assert "\n".join(problem.text() for problem in problems) == quoted.strip()
