"""docs/evaluation-files.md against the code: every problem, setting, framework rule and example."""

import re
from pathlib import Path

import pytest

from evalcommons.core import benchmark, board_rules, evidence, results
from evalcommons.core.problems import Code

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation-files.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def section(start):
    return next(body for title, body in SECTIONS.items() if title.startswith(start))


def example(start, language):
    return re.search(rf"```{language}\n(.*?)```", section(start), re.DOTALL)[1].encode()


def test_every_problem_code_is_explained():
    """A new code fails here until its line is in the page, and a line without a code is no promise."""
    listed = {
        code
        for row in re.findall(r"^\| (`.+?) \|", section("Problems"), re.MULTILINE)
        for code in re.findall("`(.+?)`", row)
    }
    assert listed == set(Code)


def test_every_problem_code_is_in_use():
    """A code that nothing gives would be a promise that is not kept."""
    core = Path(benchmark.__file__).parent
    source = "".join(file.read_text() for file in core.glob("*.py"))
    assert [code.name for code in Code if f"Code.{code.name}" not in source] == []


@pytest.mark.parametrize(
    ("start", "language", "parse"),
    [
        ("eval.yaml", "yaml", benchmark.parse),
        ("leaderboard.yaml", "yaml", board_rules.parse),
        (".eval_results/NAME.yaml", "yaml", results.parse),
        (".eval_results/NAME.evidence.json", "json", evidence.parse),
    ],
)
def test_the_page_s_examples_read_clean(start, language, parse):
    """Whoever copies an example has a valid file."""
    value, problems = parse("example", example(start, language))
    assert problems == ()
    assert value


def test_every_setting_solver_and_scorer_is_named():
    """The lists of the page are the lists of the code."""
    for words, start in (
        (evidence.SETTINGS, ".eval_results/NAME.evidence.json"),
        (benchmark.SOLVERS | benchmark.SCORERS, "eval.yaml"),
        (evidence.LEVELS, "leaderboard.yaml"),
    ):
        assert [word for word in words if not re.search(rf"\b{word}\b", section(start))] == []
