"""Evaluation files: which paths they are, and files that belong together checked together."""

import json
import time

import pytest

from evalcommons.core.evaluation_files import (
    MAX_BYTES,
    Context,
    FileKind,
    check_file,
    check_set,
    evidence_path,
    kind_of,
    name_problem,
    results_path,
)
from evalcommons.core.frameworks import known_frameworks
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import Code, Severity, has_errors
from evalcommons.core.results import DatasetFacts

EVAL = b"name: G\ndescription: d\nevaluation_framework: mteb\ntasks:\n  - id: main\n"
RULES = b"tasks: {main: {bounds: [0, 1]}}\n"
RESULT = b"- dataset: {id: a/b, task_id: main}\n  value: 0.5\n"


def evidence(*tasks):
    entries = [{"dataset": {"id": "a/b", "task_id": task}} for task in tasks]
    return json.dumps({"version": 1, "entries": entries}).encode()


def codes(problems):
    return [(p.path, p.code) for p in problems]


@pytest.mark.parametrize(
    ("repo", "path", "kind"),
    [
        (RepoKind.DATASET, "eval.yaml", FileKind.BENCHMARK),
        (RepoKind.DATASET, "leaderboard.yaml", FileKind.BOARD_RULES),
        (RepoKind.DATASET, "data/eval.yaml", None),
        (RepoKind.DATASET, "eval.yml", None),
        (RepoKind.DATASET, "Eval.yaml", None),
        (RepoKind.DATASET, ".eval_results/x.yaml", None),
        (RepoKind.MODEL, "eval.yaml", None),
        (RepoKind.MODEL, ".eval_results/x.yaml", FileKind.RESULTS),
        (RepoKind.MODEL, ".eval_results/a.b.yaml", FileKind.RESULTS),
        (RepoKind.MODEL, ".eval_results/x.evidence.json", FileKind.EVIDENCE),
        (RepoKind.MODEL, ".eval_results/x.yml", None),
        (RepoKind.MODEL, ".eval_results/x.json", None),
        (RepoKind.MODEL, ".eval_results/.yaml", None),
        (RepoKind.MODEL, ".eval_results/sub/x.yaml", None),
        (RepoKind.MODEL, "x/.eval_results/x.yaml", None),
        (RepoKind.MODEL, ".eval_results", None),
        (RepoKind.SPACE, ".eval_results/x.yaml", None),
        (RepoKind.SPACE, "eval.yaml", None),
    ],
)
def test_evaluation_files_are_known_by_their_path(repo, path, kind):
    """As on the Hub: eval.yaml in a dataset's root, YAML files right inside a model's .eval_results."""
    assert kind_of(repo, path) is kind


@pytest.mark.parametrize(
    ("repo", "path", "hint"),
    [
        (RepoKind.DATASET, "eval.yml", "Name it eval.yaml."),
        (RepoKind.DATASET, "Leaderboard.yml", "Name it leaderboard.yaml."),
        (RepoKind.MODEL, ".eval_results/x.yml", "Results end in .yaml, evidence in .evidence.json."),
        (RepoKind.MODEL, ".eval_results/x.json", "Results end in .yaml, evidence in .evidence.json."),
        (RepoKind.MODEL, ".eval_results/sub/x.yaml", "Move it up, into .eval_results/."),
        (RepoKind.MODEL, "eval_results/x.yaml", "Name it .eval_results/x.yaml."),
        (RepoKind.MODEL, ".eval_results/README.md", None),
        (RepoKind.MODEL, "eval_results/samples.json", None),
        (RepoKind.MODEL, ".eval_results/x.yaml", None),
        (RepoKind.MODEL, "config.json", None),
        (RepoKind.DATASET, "data/eval.yml", None),
        (RepoKind.SPACE, "eval.yml", None),
    ],
)
def test_a_file_that_nobody_reads_is_warned_about(repo, path, hint):
    """A result in `x.yml` would never show, and nobody would know why."""
    problem = name_problem(repo, path)
    if hint is None:
        assert problem is None
    else:
        assert (problem.code, problem.severity, problem.hint) == (Code.NOT_READ, Severity.WARNING, hint)


def test_results_and_evidence_share_their_name():
    """One path leads to the other."""
    assert evidence_path(".eval_results/a.b.yaml") == ".eval_results/a.b.evidence.json"
    assert results_path(".eval_results/a.b.evidence.json") == ".eval_results/a.b.yaml"


@pytest.mark.parametrize("kind", FileKind)
def test_every_kind_of_file_is_checked_and_has_a_limit(kind):
    """One door for all four formats; larger files are refused before they are parsed."""
    assert [p.code for p in check_file(kind, "f", b"x" * (MAX_BYTES + 1))] == [Code.TOO_LARGE]
    assert has_errors(check_file(kind, "f", b"{"))


def test_a_dataset_s_rules_are_held_against_its_benchmark():
    """leaderboard.yaml may only speak of tasks that eval.yaml has."""
    assert check_set(RepoKind.DATASET, {"eval.yaml": EVAL, "leaderboard.yaml": RULES, "README.md": b""}) == ()
    found = check_set(RepoKind.DATASET, {"eval.yaml": EVAL, "leaderboard.yaml": b"tasks: {man: {}}"})
    assert codes(found) == [("leaderboard.yaml", Code.UNKNOWN_TASK)]


def test_rules_are_not_held_against_a_benchmark_that_cannot_be_read():
    """One mistake in eval.yaml does not make every task of leaderboard.yaml unknown."""
    found = check_set(RepoKind.DATASET, {"eval.yaml": b"a: [", "leaderboard.yaml": RULES})
    assert codes(found) == [("eval.yaml", Code.SYNTAX)]


def test_rules_without_a_benchmark_are_warned_about():
    """There is no board that they could rule."""
    found = check_set(RepoKind.DATASET, {"leaderboard.yaml": RULES})
    assert codes(found) == [("leaderboard.yaml", Code.RULES_WITHOUT_BENCHMARK)]


def test_frameworks_of_the_operator_are_known_everywhere():
    """The setting reaches the check through the context."""
    data = EVAL.replace(b"mteb", b"home-made")
    assert codes(check_set(RepoKind.DATASET, {"eval.yaml": data})) == [("eval.yaml", Code.UNKNOWN_FRAMEWORK)]
    context = Context(frameworks=known_frameworks(("home-made",)))
    assert check_set(RepoKind.DATASET, {"eval.yaml": data}, context) == ()


def test_evidence_is_held_against_its_results():
    """Both files say what is wrong with them; evidence for nothing is an error."""
    files = {".eval_results/a.yaml": RESULT, ".eval_results/a.evidence.json": evidence("main")}
    assert check_set(RepoKind.MODEL, files) == ()
    files[".eval_results/a.evidence.json"] = evidence("other")
    assert codes(check_set(RepoKind.MODEL, files)) == [(".eval_results/a.evidence.json", Code.UNMATCHED_EVIDENCE)]
    files[".eval_results/a.yaml"] = b"["
    assert codes(check_set(RepoKind.MODEL, files)) == [(".eval_results/a.yaml", Code.SYNTAX)]


def test_evidence_without_results_is_warned_about():
    """A renamed results file leaves its evidence behind."""
    found = check_set(RepoKind.MODEL, {".eval_results/b.evidence.json": evidence("main")})
    assert codes(found) == [(".eval_results/b.evidence.json", Code.EVIDENCE_WITHOUT_RESULTS)]


def test_results_are_held_against_what_the_hub_knows():
    """With a hub to ask, unknown tasks are found; without one, nothing is said of them."""
    context = Context(lookup=lambda _: DatasetFacts("a/b", ("other",)))
    files = {".eval_results/a.yaml": RESULT}
    assert codes(check_set(RepoKind.MODEL, files, context)) == [(".eval_results/a.yaml", Code.UNKNOWN_TASK)]
    assert codes(check_file(FileKind.RESULTS, "a.yaml", RESULT, context)) == [("a.yaml", Code.UNKNOWN_TASK)]
    assert check_set(RepoKind.MODEL, files) == ()


def test_problems_come_file_by_file():
    """In the order of the paths, whatever order the files came in."""
    files = {".eval_results/c.yaml": b"[", ".eval_results/b.yml": b"", ".eval_results/a.yaml": b"]", "z": b""}
    assert [p.path for p in check_set(RepoKind.MODEL, files)] == [
        ".eval_results/a.yaml",
        ".eval_results/b.yml",
        ".eval_results/c.yaml",
    ]


def _many(line, count=100_000, size=MAX_BYTES):
    """As many different lines as fit into a file."""
    lines = []
    for n in range(count):
        lines.append(line.format(n=n))
        size -= len(lines[-1]) + 1
        if size < 1_000:
            break
    return "\n".join(lines)


WELL_FORMED_BUT_HOSTILE = {
    "unknown keys in results": (FileKind.RESULTS, RESULT.decode() + _many("  valeu{n}: 1")),
    "unknown tasks": (FileKind.RESULTS, _many("- {{dataset: {{id: a/b, task_id: mian{n}}}, value: {n}}}", 9_999)),
    "wrong values": (FileKind.RESULTS, _many("- {{dataset: {{id: a/b{n}, task_id: m}}, value: '{n}%'}}", 9_999)),
    "bad ids": (FileKind.RESULTS, _many("- {{dataset: {{id: a{n}, task_id: m}}, value: 1}}", 9_999)),
    "long wrong number": (FileKind.RESULTS, f"- {{dataset: {{id: a/b, task_id: m}}, value: '{'1' * 900_000}x'}}"),
    "long wrong link": (FileKind.RESULTS, RESULT.decode() + f"  source: {{url: '{'a:' * 400_000}'}}"),
    "wrong solvers": (FileKind.BENCHMARK, EVAL.decode() + "    solvers:\n" + _many("    - name: generat{n}")),
    "unknown keys in eval.yaml": (FileKind.BENCHMARK, EVAL.decode() + _many("descripton{n}: 1")),
    "many tasks": (FileKind.BENCHMARK, EVAL.decode() + _many("  - id: t{n}")),
    "unknown tasks in rules": (FileKind.BOARD_RULES, "tasks:\n" + _many("  mian{n}:")),
    "many variants": (FileKind.BOARD_RULES, "defaults:\n  variants:\n" + _many("  - id: v{n}")),
    "many revisions": (
        FileKind.BOARD_RULES,
        "defaults:\n  older_editions:\n  - id: v1\n    revisions:\n" + _many("    - {n:040}"),
    ),
    "many editions": (FileKind.BOARD_RULES, "defaults:\n  older_editions:\n" + _many("  - {{id: v{n}}}")),
    "unknown keys in evidence": (FileKind.EVIDENCE, '{"version": 1, ' + _many('"entrie{n}": 1,') + '"x": 1}'),
    "wrong settings": (
        FileKind.EVIDENCE,
        '{"version": 1, "entries": ['
        + _many('{{"dataset": {{"id": "a/b", "task_id": "m"}}, "settings": {{"shots": "{n}"}}}},', 12_000)
        + "{}]}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WELL_FORMED_BUT_HOSTILE)
def test_a_file_full_of_slips_costs_no_more_than_its_size(name):
    """Guessing the right word for a hundred thousand wrong ones would take minutes; a hundred are answered."""
    kind, text = WELL_FORMED_BUT_HOSTILE[name]
    facts = DatasetFacts("a/b", tuple(f"main-{n}" for n in range(1_000)))
    context = Context(lookup=lambda _: facts, task_ids=("main",))
    start = time.process_time()
    problems = check_file(kind, "f", text.encode(), context)
    assert time.process_time() - start < 5
    assert 1 <= len(problems) <= 202  # a hundred of the file itself, a hundred of what it refers to


def test_much_evidence_for_no_result_costs_no_more_than_its_size():
    """Each is matched and told without looking through all results again."""
    results = "".join(f"- {{dataset: {{id: a/b, task_id: t{n}}}, value: 1}}\n" for n in range(9_999))
    files = {".eval_results/a.yaml": results.encode(), ".eval_results/a.evidence.json": evidence(*["x"] * 9_999)}
    start = time.process_time()
    problems = check_set(RepoKind.MODEL, files)
    assert time.process_time() - start < 5
    assert {p.code for p in problems} == {Code.UNMATCHED_EVIDENCE, Code.TOO_MANY_PROBLEMS}
