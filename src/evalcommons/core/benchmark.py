"""A benchmark as its dataset repo declares it: `eval.yaml` in the root.

source  https://github.com/huggingface/hub-docs, docs/hub/eval-results.md; for `inspect-ai` tasks
        https://github.com/UKGovernmentBEIS/inspect_ai, _eval/task/hf.py (HFTask); both read 2026-11-20
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evalcommons.core.documents import read_yaml
from evalcommons.core.fields import PARAGRAPH, Fields
from evalcommons.core.frameworks import FRAMEWORKS, Framework
from evalcommons.core.problems import Code, Parsed, did_you_mean, listing, show

MAX_TASKS = 1_000
"""Tasks of one benchmark."""

INSPECT: Final = "inspect-ai"

SOLVERS: Final = frozenset(
    (
        "prompt_template system_message user_message chain_of_thought use_tools generate self_critique multiple_choice"
    ).split()
)
"""Solvers that Inspect accepts in eval.yaml."""
SCORERS: Final = frozenset(
    "includes match pattern answer exact f1 model_graded_qa model_graded_fact choice math".split()
)
"""Scorers that Inspect accepts in eval.yaml."""


@dataclass(frozen=True, slots=True)
class Step:
    """A solver or scorer and what it is called with."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One test of a benchmark; each has a board of its own.

    id               unique in the benchmark
    config, split    which part of the dataset is asked
    field_spec       which columns hold question, answer and choices
    solvers          how an answer is got, in order
    scorers          how it is graded
    epochs           how often each question is asked
    epoch_reducer    how several answers to one question become one score
    shuffle_choices  whether choices come in random order
    line             where its id stands in eval.yaml
    """

    id: str
    config: str = "default"
    split: str = "test"
    field_spec: Mapping[str, Any] = field(default_factory=dict)
    solvers: tuple[Step, ...] = ()
    scorers: tuple[Step, ...] = ()
    epochs: int = 1
    epoch_reducer: str | None = None
    shuffle_choices: bool = False
    line: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a dataset asks of models.

    name                  for people
    description           what it measures
    evaluation_framework  program that runs it, one of `frameworks.known_frameworks`
    tasks                 at least one
    """

    name: str
    description: str
    evaluation_framework: str
    tasks: tuple[Task, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of its tasks, in file order."""
        return tuple(task.id for task in self.tasks)


def parse(path: str, data: bytes, *, frameworks: Mapping[str, Framework] = FRAMEWORKS) -> Parsed[Benchmark]:
    """The benchmark in an eval.yaml.

    path        the file's name in problems
    frameworks  those this hub accepts
    """
    document = read_yaml(path, data)
    benchmark = None
    if document.is_read:
        top = Fields.at(document, (), document.value, "eval.yaml")
        if top is not None:
            benchmark = _benchmark(top, frameworks)
    problems = document.findings.sorted()
    return Parsed(None if document.findings.has_errors else benchmark, problems)


_TOP: Final = frozenset(("name", "description", "evaluation_framework", "tasks"))
_TOP_SLIPS: Final = {
    "framework": "evaluation_framework",
    "eval_framework": "evaluation_framework",
    "evaluationFramework": "evaluation_framework",
    "title": "name",
    "pretty_name": "name",
    "task": "tasks",
}
_HUB_TASK: Final = frozenset(("id", "config", "split"))
_INSPECT_TASK: Final = _HUB_TASK | {"field_spec", "solvers", "scorers", "epochs", "epoch_reducer", "shuffle_choices"}
_TASK_SLIPS: Final = {
    "scores": "scorers",
    "scorer": "scorers",
    "score": "scorers",
    "solver": "solvers",
    "task_id": "id",
    "name": "id",
    "subset": "config",
    "config_name": "config",
    "fields": "field_spec",
    "field_specs": "field_spec",
    "epoch": "epochs",
    "reducer": "epoch_reducer",
}
_FIELD_SPEC: Final = frozenset(
    "input target choices input_image id metadata sandbox files setup checkpoint description".split()
)
_FIELD_SLIPS: Final = {"question": "input", "answer": "target", "image": "input_image", "choice": "choices"}
_STEP: Final = frozenset(("name", "args"))
_REDUCER: Final = re.compile(r"pass_at_[0-9]+|at_least_[0-9]+|max|mode|median|mean")


def _benchmark(top: Fields, frameworks: Mapping[str, Framework]) -> Benchmark | None:
    top.check_known(_TOP, "eval.yaml", slips=_TOP_SLIPS)
    name = top.text("name", required=True)
    description = top.text("description", required=True, limit=PARAGRAPH)
    framework = top.text("evaluation_framework", required=True)
    if framework is not None and framework not in frameworks:
        folded = framework.casefold().replace("_", "-").replace(" ", "-")
        guess = f'Did you mean "{folded}"?' if folded in frameworks else did_you_mean(framework, tuple(frameworks))
        top.error(
            "evaluation_framework",
            Code.UNKNOWN_FRAMEWORK,
            f"the evaluation framework {show(framework)} is not known",
            f"{guess} Known: {listing(sorted(frameworks), 40)}. The hub's operator can add others "
            "(setting EVALCOMMONS_FRAMEWORKS).".strip(),
        )
    tasks = _tasks(top, is_inspect=framework == INSPECT)
    if name is None or description is None or framework is None:
        return None
    return Benchmark(name, description, framework, tasks)


def _tasks(top: Fields, *, is_inspect: bool) -> tuple[Task, ...]:
    items = top.items("tasks", required=True) or []
    if len(items) > MAX_TASKS:
        message = f"there are {len(items):,} tasks; at most {MAX_TASKS:,} are read"
        top.error("tasks", Code.TOO_MANY_VALUES, message, "Split the benchmark into several datasets.")
        return ()
    tasks: dict[str, Task] = {}
    for given in top.each("tasks", "a task"):
        task = _task(given, is_inspect=is_inspect)
        if task is None:
            continue
        first = tasks.setdefault(task.id, task)
        if first is not task:
            message = f"the task id {show(task.id)} is already on line {first.line}"
            given.error("id", Code.DUPLICATE_TASK, message, "Give each task an id of its own.")
    return tuple(tasks.values())


def _task(given: Fields, *, is_inspect: bool) -> Task | None:
    # Inspect forbids unknown keys inside a task: such a file would not run.
    given.check_known(_INSPECT_TASK, "a task", slips=_TASK_SLIPS, refuse=is_inspect)
    task_id = given.text("id", required=True)
    config, split = given.text("config"), given.text("split")
    shuffle, epochs, reducer = given.flag("shuffle_choices"), given.integer("epochs", least=1), _reducer(given)
    field_spec = _field_spec(given, required=is_inspect)
    solvers = _steps(given, "solvers", SOLVERS, required=is_inspect)
    scorers = _steps(given, "scorers", SCORERS, required=is_inspect)
    if task_id is None:
        return None
    return Task(
        task_id,
        config or "default",
        split or "test",
        field_spec,
        solvers,
        scorers,
        epochs or 1,
        reducer,
        shuffle_choices=shuffle or False,
        line=given.place("id")[0],
    )


def _reducer(given: Fields) -> str | None:
    reducer = given.text("epoch_reducer")
    if reducer is not None and not _REDUCER.fullmatch(reducer):
        hint = "Write mean, median, mode, max, at_least_K or pass_at_K with a number for K."
        given.error("epoch_reducer", Code.WRONG_CHOICE, f"epoch_reducer cannot be {show(reducer)}", hint)
        return None
    return reducer


def _field_spec(given: Fields, *, required: bool) -> Mapping[str, Any]:
    spec = given.mapping("field_spec", required=required)
    if spec is None:
        return {}
    spec.check_known(_FIELD_SPEC, "field_spec", slips=_FIELD_SLIPS)
    for key in ("input", "target"):
        spec.text(key, required=required)
    for key in ("input_image", "id", "sandbox", "files", "setup", "checkpoint", "description"):
        spec.text(key)
    choices = spec.values.get("choices")
    if type(choices) is list:
        _check_words(spec, "choices")
    else:
        spec.text("choices")
    if spec.items("metadata"):
        _check_words(spec, "metadata")
    return spec.values


def _check_words(fields: Fields, key: str) -> None:
    for index, word in enumerate(fields.values[key]):
        if type(word) is not str:
            place = fields.document.position((*fields.path, key, index))
            hint = "Write the names of columns, in quotes if they look like numbers."
            fields.document.findings.error(place, Code.WRONG_TYPE, f"{show(word)} in {key} is not text", hint)


def _steps(given: Fields, key: str, names: frozenset[str], *, required: bool) -> tuple[Step, ...]:
    what = key.removesuffix("s")
    steps: list[Step] = []
    for step in given.each(key, f"a {what}", required=required):
        step.check_known(_STEP, f"a {what}", slips={"params": "args", "arguments": "args", "type": "name"})
        name = step.text("name", required=True)
        args = step.mapping("args")
        if name is None:
            continue
        if name not in names:
            guess = given.document.findings.did_you_mean(name, names)
            hint = f"{guess} Inspect accepts: {listing(sorted(names))}.".strip()
            step.error("name", Code.WRONG_CHOICE, f"there is no {what} {show(name)}", hint)
        steps.append(Step(name, args.values if args else {}))
    return tuple(steps)
