"""Benchmarks: what eval.yaml may say, and the right word for each slip."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.benchmark import Benchmark, Step, Task, parse
from evalcommons.core.frameworks import FRAMEWORKS, known_frameworks
from evalcommons.core.problems import Code, Severity

HLE = """\
name: Humanity's Last Exam
description: >
  A benchmark at the frontier of
  human knowledge.
evaluation_framework: "inspect-ai"

tasks:
  - id: hle
    config: default
    split: test

    field_spec:
      input: question
      input_image: image
      target: answer

    solvers:
      - name: system_message
        args:
          template: |
            Answer: {your chosen answer}
      - name: generate

    scorers:
      - name: model_graded_fact
        args:
          model: openai/o3-mini
"""
AIME = """\
name: MathArena AIME 2026
description: The American Invitational Mathematics Exam (AIME).
evaluation_framework: math-arena

tasks:
  - id: MathArena/aime_2026
"""


def found(text, **more):
    return [(p.code, p.line, p.column) for p in parse("eval.yaml", text.encode(), **more).problems]


def only(text, **more):
    (problem,) = parse("eval.yaml", text.encode(), **more).problems
    return problem


def test_the_specification_s_own_examples_read_clean():
    """A benchmark that Inspect runs, and one that names its framework and task only."""
    benchmark, problems = parse("eval.yaml", HLE.encode())
    assert problems == ()
    assert benchmark == Benchmark(
        "Humanity's Last Exam",
        "A benchmark at the frontier of human knowledge.\n",
        "inspect-ai",
        (
            Task(
                "hle",
                field_spec={"input": "question", "input_image": "image", "target": "answer"},
                solvers=(Step("system_message", {"template": "Answer: {your chosen answer}\n"}), Step("generate")),
                scorers=(Step("model_graded_fact", {"model": "openai/o3-mini"}),),
            ),
        ),
    )
    assert benchmark.tasks[0].line == 8
    assert parse("eval.yaml", AIME.encode()) == (
        Benchmark(
            "MathArena AIME 2026",
            "The American Invitational Mathematics Exam (AIME).",
            "math-arena",
            (Task("MathArena/aime_2026"),),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "hint"),
    [
        ("    scorers:", "    scores:", Code.MISSING_FIELD, 24, '"scorers"'),
        ("    scorers:", "    scorer:", Code.MISSING_FIELD, 24, '"scorers"'),
        ("    solvers:", "    solver:", Code.MISSING_FIELD, 17, '"solvers"'),
        ("- id: hle", "- task_id: hle", Code.MISSING_FIELD, 8, '"id"'),
        ("    split: test", "    split_name: test", Code.UNKNOWN_FIELD, 10, '"split"'),
        ("    split: test", "    epocs: 2", Code.UNKNOWN_FIELD, 10, '"epochs"'),
        ("    split: test", "    zzz: 2", Code.UNKNOWN_FIELD, 10, "Remove it"),
        ("    split: test", "    epochs: 0", Code.OUT_OF_RANGE, 10, ""),
        ("    split: test", "    epochs: many", Code.WRONG_TYPE, 10, ""),
        ("    split: test", "    epoch_reducer: pass_at_k", Code.WRONG_CHOICE, 10, "pass_at_K"),
        ("    split: test", "    shuffle_choices: 'yes'", Code.WRONG_TYPE, 10, "true or false"),
        ("    split: test", "    split: 2024", Code.WRONG_TYPE, 10, '"2024"'),
        ("      target: answer", "      answer: answer", Code.MISSING_FIELD, 15, '"target"'),
        ("      target: answer", "      target: 5", Code.WRONG_TYPE, 15, '"5"'),
        ("      target: answer", "      target: a\n      metadata: [1]", Code.WRONG_TYPE, 16, "columns"),
        ("      target: answer", "      target: a\n      choices: [a, 1]", Code.WRONG_TYPE, 16, "columns"),
        ("- name: generate", "- name: generat", Code.WRONG_CHOICE, 22, 'Did you mean "generate"?'),
        ("- name: generate", "- generate", Code.WRONG_TYPE, 22, ""),
        ("- name: model_graded_fact", "- name: model_graded", Code.WRONG_CHOICE, 25, "Did you mean"),
        ("evaluation_framework:", "framework:", Code.MISSING_FIELD, 5, '"evaluation_framework"'),
        ("inspect-ai", "inspect_ai", Code.UNKNOWN_FRAMEWORK, 5, 'Did you mean "inspect-ai"?'),
        ("inspect-ai", "Inspect AI", Code.UNKNOWN_FRAMEWORK, 5, 'Did you mean "inspect-ai"?'),
        ("inspect-ai", "home-made", Code.UNKNOWN_FRAMEWORK, 5, "EVALCOMMONS_FRAMEWORKS"),
        ("name: Humanity's Last Exam", "title: x", Code.MISSING_FIELD, 1, '"name"'),
    ],
)
def test_each_slip_gets_the_right_word_at_its_line(old, new, code, line, hint):
    """The push fails with the line, and the word that was meant."""
    problem = only(HLE.replace(old, new, 1)) if code is not Code.UNKNOWN_FRAMEWORK else _error(HLE.replace(old, new, 1))
    assert (problem.code, problem.line, problem.severity) == (code, line, Severity.ERROR)
    assert hint in problem.hint


def _error(text):
    return next(p for p in parse("eval.yaml", text.encode()).problems if p.severity is Severity.ERROR)


def test_a_task_id_may_stand_only_once():
    """Two boards cannot share a name; the message says where the first one is."""
    problem = only(AIME + "  - id: x\n  - id: MathArena/aime_2026\n")
    assert (problem.code, problem.line) == (Code.DUPLICATE_TASK, 8)
    assert "line 6" in problem.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", Code.WRONG_TYPE),
        ("text", Code.WRONG_TYPE),
        (AIME.replace("  - id: MathArena/aime_2026\n", ""), Code.MISSING_FIELD),
        (AIME.replace("  - id: MathArena/aime_2026\n", "  []\n"), Code.MISSING_FIELD),
        (AIME.replace("  - id: MathArena/aime_2026\n", "  id: x\n"), Code.WRONG_TYPE),
        (AIME.replace("  - id: MathArena/aime_2026\n", "  - x\n"), Code.WRONG_TYPE),
        (AIME.replace("id: MathArena", 'id: "a\\u202e"\n#'), Code.HIDDEN_CHARACTER),
        (AIME + "  - id: y\n" * 1_000, Code.TOO_MANY_VALUES),
    ],
)
def test_a_benchmark_has_tasks(text, code):
    """An eval.yaml without a usable list of tasks makes no board."""
    benchmark, problems = parse("eval.yaml", text.encode())
    assert benchmark is None
    assert problems[0].code == code


def test_inspect_needs_fields_solvers_and_scorers():
    """Inspect refuses a task without them, so the push does."""
    text = AIME.replace("math-arena", "inspect-ai")
    assert [code for code, _, _ in found(text)] == [Code.MISSING_FIELD] * 3


def test_other_frameworks_may_have_fields_that_we_do_not_know():
    """Only Inspect forbids unknown keys in a task; elsewhere they are a warning, as at the top."""
    benchmark, problems = parse("eval.yaml", (AIME + "    judge: x\n").encode())
    assert benchmark
    assert [(p.code, p.severity) for p in problems] == [(Code.UNKNOWN_FIELD, Severity.WARNING)]
    benchmark, problems = parse("eval.yaml", ("homepage: https://x.org\n" + HLE).encode())
    assert benchmark
    assert [(p.code, p.severity) for p in problems] == [(Code.UNKNOWN_FIELD, Severity.WARNING)]


def test_an_operator_can_add_frameworks():
    """The list is a table with a setting to add to it."""
    text = AIME.replace("math-arena", "home-made")
    assert parse("eval.yaml", text.encode(), frameworks=known_frameworks(("home-made",))).problems == ()
    assert "home-made" not in FRAMEWORKS


def test_the_table_of_frameworks_is_complete_and_tidy():
    """Each has a line and a place to read about it."""
    assert {"inspect-ai", "math-arena", "mteb", "harbor", "swe-bench"} <= FRAMEWORKS.keys()
    assert list(FRAMEWORKS) == sorted(FRAMEWORKS)
    assert all(f.description.endswith(".") and f.url.startswith("https://") for f in FRAMEWORKS.values())


def test_arguments_may_hold_any_text():
    """Prompts and patterns are text: what would be a disguise in an id is only shown."""
    text = HLE.replace("model: openai/o3-mini", 'pattern: "a\\u200bb"')
    (problem,) = parse("eval.yaml", text.encode()).problems
    assert (problem.code, problem.severity) == (Code.HIDDEN_CHARACTER, Severity.WARNING)


KEYS = (
    "name description evaluation_framework tasks id config split field_spec solvers scorers epochs args input x".split()
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("inspect-ai"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(JUNK)
def test_no_shape_makes_it_raise(value):
    """Any value may stand at any key; the answer is a benchmark or errors."""
    base = yaml.safe_load(HLE)
    for shape in (value, {**base, **value} if isinstance(value, dict) else {**base, "tasks": [value]}):
        text = yaml.safe_dump(shape, allow_unicode=True)
        benchmark, problems = parse("eval.yaml", text.encode("utf-8", "surrogatepass"))
        assert (benchmark is None) == any(p.severity is Severity.ERROR for p in problems)
