"""What happens in the demo: four people, one real benchmark, four real models, each step through a public door."""

import base64
import json
import lzma
import math
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evalcommons.core.access import Role
from evalcommons.core.errors import Unavailable
from evalcommons.core.evidence import Evidence, LogReference
from evalcommons.core.evidence import to_json as evidence_to_json
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.core.results import ResultEntry, Source
from evalcommons.core.results import to_yaml as results_to_yaml

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from evalcommons.hub import Hub

BENCHMARK: Final = "openai/gsm8k"
TASK: Final = "gsm8k"
AUTHOR: Final = "gpt3-author"
QUESTIONS: Final = 1319
COBBE: Final = Source("https://arxiv.org/abs/2110.14168", "Cobbe et al. 2021")
WEI: Final = Source("https://arxiv.org/abs/2201.11903", "Wei et al. 2022")
PUBLISHED: Final = Source("https://github.com/openai/grade-school-math", "published answers")
RESULTS: Final = ".eval_results/gsm8k.yaml"
REPORT: Final = ".eval_results/gsm8k-wei-2022.yaml"
EVIDENCE: Final = ".eval_results/gsm8k.evidence.json"
DUPLICATE_WHY: Final = (
    "Closed as a duplicate: it is the same count of the same answers that we report in .eval_results/gsm8k.yaml."
)

_LOG: Final = LogReference(
    "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/"
    "example_model_solutions.jsonl",
    "4bc62db838f8418365d51c627bd66294cbdca9fb7f01519cb13f0dce8c51580b",
)
_GIT_TIMEOUT_S = 60
_HTTP_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class System:
    """One of the four systems of Cobbe et al. 2021.

    key         its name in the published answers
    parameters  as the paper writes it
    title       what was done to GPT-3
    method      the same, in a sentence
    notes       how the answers were got, as the result says it
    correct     how many of the 1,319 it answered rightly
    """

    key: str
    parameters: str
    title: str
    method: str
    notes: str
    correct: int

    @property
    def repo(self) -> str:
        """Its model repo."""
        return f"openai/gpt3-{self.key.replace('_', '-')}"

    @property
    def accuracy(self) -> float:
        """The fraction it answered rightly, to six digits."""
        return round(self.correct / QUESTIONS, 6)

    @property
    def stderr(self) -> float:
        """Standard error of that fraction, as that of a proportion, to six digits."""
        share = self.correct / QUESTIONS
        return round(math.sqrt(share * (1 - share) / QUESTIONS), 6)


_FINETUNED = "Fine-tuned on GSM8K's training set; each answer is one sample at low temperature."
_VERIFIED = (
    "Fine-tuned on GSM8K's training set; for each question 100 answers are sampled, and a verifier of the same size, "
    "trained to judge answers, picks one."
)
_ONE_SAMPLE = "fine-tuned, one low-temperature sample a question"
_PICKED = "fine-tuned, the best of 100 samples as a verifier judges them"

SMALL_FINETUNED: Final = System("6b_finetuning", "6B", "fine-tuned", _FINETUNED, _ONE_SAMPLE, 286)
SMALL_VERIFIED: Final = System("6b_verification", "6B", "fine-tuned with a verifier", _VERIFIED, _PICKED, 515)
LARGE_FINETUNED: Final = System("175b_finetuning", "175B", "fine-tuned", _FINETUNED, _ONE_SAMPLE, 458)
LARGE_VERIFIED: Final = System("175b_verification", "175B", "fine-tuned with a verifier", _VERIFIED, _PICKED, 742)
SYSTEMS: Final = (SMALL_FINETUNED, SMALL_VERIFIED, LARGE_FINETUNED, LARGE_VERIFIED)

ROUNDED: Final = 0.217
"""What the author first writes for the smallest system; the community corrects it to the exact fraction."""
CITED: Final = 0.55
"""What Wei et al. 2022 cite for the largest system."""
CITED_PCT: Final = 55.0
"""The same as a percentage, which a board of fractions does not take."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A report that no longer stands.

    by     account that reported it
    until  when it ended, as the hub writes times
    """

    model: str
    value: float
    by: str
    until: str
    why: str


@dataclass(slots=True)
class Ending:
    """What the hub says in the end, read by somebody who is not signed in.

    board      rows of the leaderboard call
    results    model id -> its `evalResults`
    withdrawn  reports that were replaced, merged or closed
    refusal    what huggingface_hub's error said when the percentage was refused
    """

    board: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    withdrawn: list[Withdrawn] = field(default_factory=list)


@dataclass(slots=True)
class Stage:
    """The hub of the demo, and what the people on it need.

    hub       for what an operator does on the hub's own machine, and nothing else
    url       its address; everybody else works through it
    folder    for clones
    tokens    access tokens by account
    reports   ids of results that were seen standing -> model
    failures  what was not as expected
    checked   how many things were looked at
    """

    hub: "Hub"
    url: str
    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    ending: Ending = field(default_factory=Ending)
    failures: list[str] = field(default_factory=list)
    checked: int = 0

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note it when something is not as it should be."""
        self.checked += 1
        if found != wanted:
            self.failures.append(f"{what}: expected {wanted!r}, found {found!r}")

    def api(self, who: str | None = None) -> "HfApi":
        """huggingface_hub as this person uses it; None: somebody who is not signed in."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url, token=self.tokens[who] if who else False)

    def get(self, path: str, **params: str) -> Any:
        """What an anonymous GET of this path answers, from JSON."""
        return json.loads(self.fetch(path, **params))

    def fetch(self, path: str, **params: str) -> bytes:
        """The bytes that an anonymous GET of this path answers."""
        from huggingface_hub.utils import get_session, hf_raise_for_status  # type: ignore[attr-defined]

        response = get_session().get(self.url + path, params=params, timeout=_HTTP_TIMEOUT_S)
        hf_raise_for_status(response)
        content: bytes = response.content
        return content


class Outcome(NamedTuple):
    """What came of a step.

    text   a sentence or two
    quote  what a program said, word for word; empty where that is of no interest
    """

    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that one person does.

    who   account name, or "reader" for somebody who is not signed in
    what  verb first, as in "operator: makes accounts"
    act   does it
    """

    who: str
    what: str
    act: Callable[[Stage], Outcome]


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was taken; `seconds` it took."""

    step: Step
    outcome: Outcome
    seconds: float


def play(stage: Stage, announce: Callable[[Step], None]) -> Iterator[Done]:
    """Take the steps one after the other; `announce` is told each before it begins."""
    for step in STEPS:
        announce(step)
        started = time.perf_counter()
        outcome = step.act(stage)
        yield Done(step, outcome, time.perf_counter() - started)


# --- the operator's steps ---------------------------------------------------------------------------------------------


def _make_accounts(stage: Stage) -> Outcome:
    accounts = stage.hub.accounts
    for name, fullname in (
        ("maintainer", "Benchmark maintainer"),
        (AUTHOR, "Author of the GPT-3 systems"),
        ("evaluator", "Somebody who reads papers"),
    ):
        token = f"hf_{secrets.token_urlsafe(24)}"
        accounts.create_user(name, fullname=fullname, token=token)
        stage.tokens[name] = token
    accounts.create_org("openai", fullname="OpenAI")
    for name in ("maintainer", AUTHOR):
        accounts.set_member("openai", name, Role.WRITE)
    stage.expect("who the maintainer is", stage.api("maintainer").whoami()["name"], "maintainer")
    return Outcome(
        f"maintainer and {AUTHOR} may write to the organisation openai, evaluator may not (the same code as "
        "`evalcommons admin user create NAME --token VALUE` and `admin org add`)"
    )


def _approve(stage: Stage) -> Outcome:
    stage.hub.evals.approve(RepoId.parse(RepoKind.DATASET, BENCHMARK), official=True)
    official = [found.id for found in stage.api().list_datasets(benchmark="official")]
    stage.expect("the official benchmarks", official, [BENCHMARK])
    return Outcome(
        f"list_datasets(benchmark='official') finds it now (the same code as `admin benchmark approve {BENCHMARK}`)"
    )


# --- the benchmark ----------------------------------------------------------------------------------------------------


def questions() -> list[dict[str, Any]]:
    """The 1,319 questions, each with its worked answer and what every system answered."""
    packed = _data("gsm8k.jsonl.xz")
    return [json.loads(line) for line in lzma.decompress(packed).splitlines()]


def final_answer(worked: str) -> str:
    """The number after `####`, without thousands separators."""
    return worked.rpartition("####")[2].strip().replace(",", "")


def benchmark_files() -> dict[str, bytes]:
    """The dataset repo openai/gsm8k: path -> bytes."""
    rows = [
        {"question": row["question"], "answer": row["answer"], "final_answer": final_answer(row["answer"])}
        for row in questions()
    ]
    return {
        "README.md": _data("benchmark", "README.md"),
        "LICENSE": _data("LICENSE"),
        "eval.yaml": _data("benchmark", "eval.yaml"),
        "leaderboard.yaml": _data("benchmark", "leaderboard.yaml"),
        "main/test.jsonl": _jsonl(rows),
    }


def _register(stage: Stage) -> Outcome:
    stage.api("maintainer").create_repo(BENCHMARK, repo_type="dataset")
    contents = benchmark_files()
    _push(stage, "maintainer", f"datasets/{BENCHMARK}", contents, "Add the test split, and how to run it")
    served = stage.fetch(f"/datasets/{BENCHMARK}/resolve/main/main/test.jsonl")
    stage.expect("the questions as they are served", served, contents["main/test.jsonl"])
    stage.expect("the board of a new benchmark", stage.get(f"/api/datasets/{BENCHMARK}/leaderboard"), [])
    return Outcome(
        f"{QUESTIONS:,} questions; eval.yaml and leaderboard.yaml were checked on the way in; its board exists, empty"
    )


# --- the models -------------------------------------------------------------------------------------------------------


def _publish(stage: Stage) -> Outcome:
    rows = questions()
    api = stage.api(AUTHOR)
    for system in SYSTEMS:
        api.create_repo(system.repo)
        answers = [{"question": row["question"], **row[system.key]} for row in rows]
        correct = sum(answer["is_correct"] for answer in answers)
        stage.expect(f"right answers of {system.repo}", correct, system.correct)
        value = ROUNDED if system is SMALL_FINETUNED else system.accuracy
        card = _data("model_card.md").decode()
        contents = {
            "README.md": card.format(parameters=system.parameters, title=system.title, method=system.method).encode(),
            "answers.jsonl": _jsonl(answers),
            RESULTS: _result(value, COBBE, system.notes),
        }
        if system is not SMALL_FINETUNED:
            contents[EVIDENCE] = _evidence(system)
        _push(stage, AUTHOR, system.repo, contents, "Add the card, the published answers and the score on GSM8K")
    _note_reports(stage)
    stage.expect("models on the board", len(stage.get(f"/api/datasets/{BENCHMARK}/leaderboard")), len(SYSTEMS))
    return Outcome(
        "each with a card, its 1,319 answers and the score they give, source arXiv:2110.14168; the board shows all four"
    )


def _report_other_number(stage: Stage) -> Outcome:
    done = stage.api("evaluator").upload_file(
        path_or_fileobj=_result(CITED, WEI, "as cited for GPT-3 175B fine-tuned with a verifier"),
        path_in_repo=REPORT,
        repo_id=LARGE_VERIFIED.repo,
        commit_message="Report the 0.55 that Wei et al. 2022 cite",
        commit_description="They name it as the best result before theirs. The published answers give 0.5625.",
        create_pr=True,
    )
    _note_reports(stage)
    found = [(row["data"]["value"], row.get("pullRequest")) for row in _eval_results(stage, LARGE_VERIFIED.repo)]
    stage.expect("reports on the largest system", sorted(found), [(CITED, 1), (LARGE_VERIFIED.accuracy, None)])
    return Outcome(
        f"{CITED}, as arXiv:2201.11903 cites it; {done.pr_url} counts at once, without a merge: both numbers are kept, "
        "the board ranks the better one"
    )


def _report_percentage(stage: Stage) -> Outcome:
    from huggingface_hub.errors import HfHubHTTPError

    refusal = ""
    try:
        stage.api("evaluator").upload_file(
            path_or_fileobj=_result(CITED_PCT, WEI, None),
            path_in_repo=REPORT,
            repo_id=LARGE_VERIFIED.repo,
            commit_message="Report 55 percent",
            create_pr=True,
        )
    except HfHubHTTPError as error:
        refusal = str(error).strip()
        stage.expect("the status of the refusal", error.response.status_code, 400)
        stage.expect("the remedy in the refusal", "did you mean 0.55?" in refusal, True)
    else:
        stage.expect("a percentage on a board of fractions", "accepted", "refused")
    pulls = stage.get(f"/api/models/{LARGE_VERIFIED.repo}/discussions")["count"]
    stage.expect("pull requests after the refusal", pulls, 1)
    return Outcome("nothing was written; huggingface_hub's error says where, what is wrong and what to write:", refusal)


def _correct(stage: Stage) -> Outcome:
    from huggingface_hub import CommitOperationAdd

    system = SMALL_FINETUNED
    done = stage.api("evaluator").create_commit(
        system.repo,
        [
            CommitOperationAdd(RESULTS, _result(system.accuracy, COBBE, system.notes)),
            CommitOperationAdd(EVIDENCE, _evidence(system)),
        ],
        commit_message="Give the exact fraction",
        commit_description=f"answers.jsonl has {system.correct} right answers of {QUESTIONS:,}.",
        create_pr=True,
    )
    _note_reports(stage)
    return Outcome(
        f"{done.pr_url}: {system.correct} of {QUESTIONS:,} is {system.accuracy}, not {ROUNDED}; n and standard error "
        "stand beside it"
    )


def _merge(stage: Stage) -> Outcome:
    system = SMALL_FINETUNED
    stage.api(AUTHOR).merge_pull_request(system.repo, 1, comment="Right, we had rounded it. Thank you.")
    found = [(row["data"]["value"], row.get("pullRequest")) for row in _eval_results(stage, system.repo)]
    stage.expect("the corrected score", found, [(system.accuracy, None)])
    return Outcome(f"{system.accuracy} is the author's own report now")


def _report_again(stage: Stage) -> Outcome:
    system = LARGE_FINETUNED
    done = stage.api("evaluator").upload_file(
        path_or_fileobj=_result(system.accuracy, PUBLISHED, "counted from the published answers"),
        path_in_repo=".eval_results/gsm8k-counted.yaml",
        repo_id=system.repo,
        commit_message="Report the count of the published answers",
        commit_description=f"{system.correct} of {QUESTIONS:,} are right.",
        create_pr=True,
    )
    _note_reports(stage)
    stage.expect("reports before the duplicate is closed", len(_eval_results(stage, system.repo)), 2)
    return Outcome(f"{done.pr_url}: {system.accuracy}, which the author has reported")


def _close(stage: Stage) -> Outcome:
    system = LARGE_FINETUNED
    stage.api(AUTHOR).change_discussion_status(system.repo, 1, "closed", comment=DUPLICATE_WHY)
    stage.expect("reports after the duplicate is closed", len(_eval_results(stage, system.repo)), 1)
    return Outcome(f"“{DUPLICATE_WHY}” The report is off the board, and stays listed as withdrawn")


# --- reading it back --------------------------------------------------------------------------------------------------


def _read_back(stage: Stage) -> Outcome:
    api = stage.api()
    board = api.get_dataset_leaderboard(BENCHMARK)
    best_first = sorted(SYSTEMS, key=lambda system: -system.accuracy)
    stage.expect(
        "the board",
        [(row.rank, row.model_id, row.value) for row in board],
        [(rank, system.repo, system.accuracy) for rank, system in enumerate(best_first, start=1)],
    )
    stage.ending.board = stage.get(f"/api/datasets/{BENCHMARK}/leaderboard")
    for system in best_first:
        info = api.model_info(system.repo, expand=["evalResults"])
        stage.ending.results[system.repo] = _eval_results(stage, system.repo)
        values = [entry.value for entry in info.eval_results or []]
        wanted = [system.accuracy, CITED] if system is LARGE_VERIFIED else [system.accuracy]
        stage.expect(f"what {system.repo} shows", sorted(values, reverse=True), wanted)
    stage.ending.withdrawn = list(_withdrawn(stage))
    stage.expect(
        "what no longer stands",
        sorted((gone.model, gone.value, gone.by) for gone in stage.ending.withdrawn),
        sorted(
            [
                (SMALL_FINETUNED.repo, ROUNDED, AUTHOR),
                (SMALL_FINETUNED.repo, SMALL_FINETUNED.accuracy, "evaluator"),
                (LARGE_FINETUNED.repo, LARGE_FINETUNED.accuracy, "evaluator"),
            ]
        ),
    )
    return Outcome("get_dataset_leaderboard, model_info(expand=['evalResults']) and the history of every report:")


def _withdrawn(stage: Stage) -> Iterator[Withdrawn]:
    for report_id, model in stage.reports.items():
        for version in stage.get(f"/api/evals/results/{report_id}")["versions"]:
            if "until" in version:
                yield Withdrawn(model, version["value"], version["submitter"], version["until"], version["why"])


def _note_reports(stage: Stage) -> None:
    """Remember the ids of the reports that stand now: their history can be read when they no longer do."""
    for row in stage.get(f"/api/datasets/{BENCHMARK}/leaderboard", all="true"):
        stage.reports[row["resultId"]] = row["modelId"]


def _eval_results(stage: Stage, model: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.get(f"/api/models/{model}", expand="evalResults")["evalResults"]
    return found


# --- files and git ----------------------------------------------------------------------------------------------------


def _data(*path: str) -> bytes:
    return files("evalcommons.demo_data").joinpath(*path).read_bytes()


def _jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _result(value: float, source: Source, notes: str | None) -> bytes:
    return results_to_yaml([ResultEntry(BENCHMARK, TASK, value, source=source, notes=notes)]).encode()


def _evidence(system: System) -> bytes:
    evidence = Evidence(
        BENCHMARK, TASK, metric="accuracy", n=QUESTIONS, n_total=QUESTIONS, stderr=system.stderr, log=_LOG
    )
    return evidence_to_json([evidence]).encode()


def _push(stage: Stage, who: str, path: str, contents: Mapping[str, bytes], message: str) -> None:
    """Clone a repo, put files into it, commit and push: what a person types."""
    clone = stage.folder / path
    clone.parent.mkdir(parents=True, exist_ok=True)
    _git(stage, who, stage.folder, "clone", "--quiet", f"{stage.url}/{path}", str(clone))
    for name, data in contents.items():
        file = clone / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    _git(stage, who, clone, "add", "--all")
    _git(stage, who, clone, "commit", "--quiet", "--message", message)
    _git(stage, who, clone, "push", "--quiet", "origin", "main")


def _git(stage: Stage, who: str, folder: Path, *words: str) -> None:
    signed = base64.b64encode(f"{who}:{stage.tokens[who]}".encode()).decode()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {
        "GIT_AUTHOR_NAME": who,
        "GIT_AUTHOR_EMAIL": f"{who}@demo.invalid",
        "GIT_COMMITTER_NAME": who,
        "GIT_COMMITTER_EMAIL": f"{who}@demo.invalid",
        # The token stands in the environment: neither in the list of processes nor in the clone's configuration.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {signed}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        ended = subprocess.run(  # noqa: S603  (every word is written in this file)
            ["git", *words],  # noqa: S607  (the git that the user has)
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise Unavailable("The demo pushes with the git program, and there is none: install git") from None
    if ended.returncode:
        raise Unavailable(f"git {words[0]} did not work: {ended.stderr.strip() or ended.stdout.strip()}")


STEPS: Final = (
    Step("operator", "makes three accounts and an organisation", _make_accounts),
    Step("maintainer", f"registers the benchmark {BENCHMARK}: git push", _register),
    Step("operator", f"marks {BENCHMARK} as official", _approve),
    Step(AUTHOR, "publishes four models with their scores: git push, four times", _publish),
    Step("evaluator", "reports another number for the largest model: a pull request", _report_other_number),
    Step("evaluator", "reports it as a percentage, 55: refused", _report_percentage),
    Step("evaluator", "corrects a rounded score: a pull request", _correct),
    Step(AUTHOR, "merges the correction", _merge),
    Step("evaluator", "reports what stands there already: a pull request", _report_again),
    Step(AUTHOR, "closes the duplicate", _close),
    Step("reader", "looks at everything, without an account", _read_back),
)
"""The story, in its order."""
