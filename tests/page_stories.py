"""A hub with something on every page: real-looking benchmarks, models, reports and talk."""

import csv
from contextlib import suppress
from pathlib import Path

from evalcommons.core.access import Actor, Role
from evalcommons.core.errors import AlreadyExists
from evalcommons.core.ids import MAIN, RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.repos import person
from evaluation_files import commit_lines

GSM8K = b"""name: GSM8K
description: Grade-school math word problems that need two to eight steps of reasoning.
evaluation_framework: inspect-ai
tasks:
  - id: main
    config: main
    split: test
    field_spec:
      input: question
      target: answer
    solvers:
      - name: generate
    scorers:
      - name: match
"""
GSM8K_RULES = b"""tasks:
  main:
    metric: accuracy
    unit: fraction
    bounds: [0, 1]
    samples: 1319
    variants:
      - id: tools
        label: With tools
        aliases: ["w/ tools"]
      - id: verifier
        label: With a verifier
"""
ASR = b"""name: Open ASR, English
description: Word error rate of speech recognition on seven public test sets.
evaluation_framework: mteb
tasks:
  - id: ami
  - id: earnings22
  - id: gigaspeech
  - id: ls-clean
  - id: ls-other
"""
ASR_RULES = b"""defaults:
  metric: WER
  unit: percent
  higher_is_better: false
  bounds: [0, null]
"""
GSM8K_README = """---
license: mit
language: en
task_categories:
- question-answering
size_categories:
- 1K<n<10K
tags:
- math-word-problems
---
# GSM8K

**Grade School Math 8K** is a set of 8.5 thousand linguistically diverse word problems made by people who write such
problems for a living. They take between two and eight steps to solve; the steps are the four basic operations.

## Fields

| field | meaning |
|---|---|
| `question` | the problem, in words |
| `answer` | the steps, then `####`, then the number |

## Example

```
Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.
How many clips did Natalia sell altogether in April and May?
```

- [x] checked by a second writer
- [ ] translated

See [the paper](https://arxiv.org/abs/2110.14168).
"""
MODEL_README = """---
license: apache-2.0
language: [en, de]
library_name: transformers
pipeline_tag: text-generation
{extra}---
# {name}

A language model of {size} parameters, trained on public text. This card says what it was made for, how it was measured
and where it should not be used.

## Intended use

Research on evaluation. **Not** for decisions about people.
"""
SYSTEMS = (
    ("openai/gpt3-175b-verification", "0.563", "With a verifier"),
    ("openai/gpt3-175b-finetuning", "0.347", ""),
    ("openai/gpt3-6b-verification", "0.39", "With a verifier"),
    ("openai/gpt3-6b-finetuning", "0.217", ""),
)
SPEECH = """model,AMI,Earnings22,Gigaspeech,LS Clean,LS Other
CohereLabs/cohere-transcribe-03-2026,8.13,10.86,9.34,1.25,2.37
ibm-granite/granite-4.0-1b-speech,8.44,8.48,10.14,1.42,2.85
nvidia/canary-qwen-2.5b,10.19,10.45,9.43,1.61,3.1
nvidia/parakeet-tdt-0.6b-v2,11.16,11.15,9.74,1.69,3.19
openai/whisper-large-v3,15.95,11.29,10.02,2.01,3.91
"""
HOSTILE = "\u202egnp.exe\u202c \u200bzero\u2800 <script>alert(1)</script> javascript:alert(1)"


def entry(dataset: str, task: str, value: str, *, source: tuple[str, str] | None = None, notes: str = "") -> str:
    """One result as its file has it."""
    text = f"- dataset:\n    id: {dataset}\n    task_id: {task}\n  value: {value}\n"
    if source:
        text += f"  source:\n    url: {source[0]}\n    name: {source[1]}\n"
    return text + (f"  notes: {notes}\n" if notes else "")


class Story:
    """A hub being filled by people."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def actor(self, name: str) -> Actor:
        """The user, made when first asked for."""
        if self.hub.accounts.find(name) is None:
            self.hub.accounts.create_user(name)
        return self.hub.accounts.actor(name)

    def owner(self, namespace: str) -> Actor:
        """Somebody who may write in this namespace: organisations are run by `mara`."""
        if self.hub.accounts.find(namespace) is None:
            self.hub.accounts.create_org(namespace)
            self.actor("mara")
            self.hub.accounts.set_member(namespace, "mara", Role.ADMIN)
        found = self.hub.accounts.find(namespace)
        return self.actor("mara") if found is not None and found.is_org else self.actor(namespace)

    def repo(self, name: str, kind: str = "model", **given: bool) -> RepoId:
        """The repo, made when it is not there."""
        repo_id = RepoId.parse(RepoKind(kind), name)
        with suppress(AlreadyExists):
            self.hub.repos.create(self.owner(repo_id.namespace), repo_id, **given)
        return repo_id

    def push(self, repo_id: RepoId, files: dict[str, str | bytes | None], why: str, by: str = "", *, pr: bool = False):
        """Commit to main, or open a pull request."""
        actor = self.actor(by) if by else self.owner(repo_id.namespace)
        data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        return self.hub.commits.commit(actor, repo_id, "main", commit_lines(data, why), create_pr=pr)

    def force(self, repo_id: RepoId, files: dict[str, bytes], by: str = "mara") -> None:
        """Put files onto main as a mirror or an older hub would have: nothing is checked."""
        actor = self.actor(by)
        row, git = self.hub.repos.open(actor, repo_id)
        head = git.ref(MAIN)
        tree = git.write_tree(head, {path: (git.write_blob(data), 0o100644) for path, data in files.items()})
        commit = git.write_commit(tree, [head], person(actor), self.hub.clock(), "Mirror")
        git.move_ref(MAIN, commit, expected=head, who=person(actor), why="mirror")
        with self.hub.index.transaction() as tx:
            self.hub.indexing.follow(tx, row, git)


def tell(hub: Hub, *, rows: int = 130) -> Story:
    """Fill the hub.

    rows  models on the longest board, more than one page has
    """
    story = Story(hub)
    story.actor("noor")
    gsm8k = story.repo("openai/gsm8k", "dataset")
    spec = {"eval.yaml": GSM8K, "leaderboard.yaml": GSM8K_RULES, "README.md": GSM8K_README}
    story.push(gsm8k, {**spec, "data/test.jsonl": '{"question": "2+2?", "answer": "#### 4"}\n' * 40}, "Add GSM8K")
    hub.evals.approve(gsm8k, official=True)
    _systems(story)
    _speech(story)
    _many(story, rows)
    _trouble(story)
    return story


def _systems(story: Story) -> None:
    paper = ("https://arxiv.org/abs/2110.14168", "Cobbe et al. 2021")
    for name, value, notes in SYSTEMS:
        model = story.repo(name)
        card = MODEL_README.format(name=name.partition("/")[2], size=name.split("-")[1].upper(), extra="")
        story.push(model, {"README.md": card}, "Describe the model")
        result = entry("openai/gsm8k", "main", value, source=paper, notes=notes)
        story.push(model, {".eval_results/gsm8k.yaml": result}, "Report GSM8K, as in the paper")
    largest = RepoId.parse(RepoKind.MODEL, "openai/gpt3-175b-verification")
    other = entry(
        "openai/gsm8k",
        "main",
        "0.55",
        source=("https://arxiv.org/abs/2201.11903", "Wei et al. 2022"),
        notes="the number that later papers cite",
    )
    opened = story.push(largest, {".eval_results/cited.yaml": other}, "Add the number others cite", "noor", pr=True)
    talk = story.hub.discussions
    talk.comment(
        story.actor("noor"), largest, opened.num, "Table 1 of *Chain of Thought* says **55**, without a source."
    )
    talk.comment(story.owner("openai"), largest, opened.num, "Ours is in Figure 5 of [the paper](https://arxiv.org/).")
    typo = entry("openai/gsm8k", "main", "0.65", notes="a slip of the pen")
    closed = story.push(largest, {".eval_results/typo.yaml": typo}, "Add another number", "noor", pr=True)
    talk.set_status(story.owner("openai"), largest, closed.num, "closed", "This is a typo: the table says 0.55.")
    small = RepoId.parse(RepoKind.MODEL, "openai/gpt3-6b-finetuning")
    better = entry("openai/gsm8k", "main", "0.22", notes="our own run, 5 seeds")
    merged = story.push(small, {".eval_results/rerun.yaml": better}, "Add a second run", "noor", pr=True)
    talk.merge(story.owner("openai"), small, merged.num)
    waiting = entry("cais/mmlu", "all", "0.439", source=("https://arxiv.org/abs/2009.03300", "Hendrycks et al."))
    story.push(small, {".eval_results/mmlu.yaml": waiting}, "Report a benchmark that is not here")
    talk.create(story.actor("noor"), small, "Which checkpoint is this?", "The card does not say.")


def _speech(story: Story) -> None:
    asr = story.repo("hf-audio/open-asr", "dataset")
    story.push(
        asr, {"eval.yaml": ASR, "leaderboard.yaml": ASR_RULES, "README.md": "# Open ASR\n\nLower is better.\n"}, "Add"
    )
    for row in csv.DictReader(SPEECH.splitlines()):
        model = story.repo(row["model"])
        tasks = zip(("ami", "earnings22", "gigaspeech", "ls-clean", "ls-other"), list(row.values())[1:], strict=True)
        source = ("https://huggingface.co/spaces/hf-audio/open_asr_leaderboard", "Open ASR leaderboard")
        text = "".join(entry("hf-audio/open-asr", task, value, source=source) for task, value in tasks)
        story.push(model, {".eval_results/open-asr.yaml": text}, "Report the Open ASR numbers")


def _many(story: Story, rows: int) -> None:
    bench = story.repo("mara/arithmetic", "dataset")
    spec = b"name: Arithmetic\ndescription: Sums.\nevaluation_framework: mteb\ntasks:\n  - id: sums\n"
    story.push(bench, {"eval.yaml": spec}, "Register the benchmark")
    for i in range(rows):
        base = "base_model: openai/gpt3-6b-finetuning\n" if i % 40 == 7 else ""
        model = story.repo(f"labs/model-{i:03d}")
        card = MODEL_README.format(name=model.name, size=f"{i + 1}B", extra=base)
        value = f"{99 - (i // 2) * 0.7:.1f}"
        story.push(
            model, {"README.md": card, ".eval_results/sums.yaml": entry("mara/arithmetic", "sums", value)}, "Add"
        )


def _trouble(story: Story) -> None:
    broken = story.repo("mara/broken", "dataset")
    wrong = b"name: Broken\nframework: inspect-ai\ntasks:\n  - id: main\n    scores:\n      - name: match\n"
    story.force(broken, {"eval.yaml": wrong, "README.md": b"# Broken\n"})
    hurt = story.repo("labs/model-000")
    story.force(hurt, {".eval_results/old.yaml": b"- dataset: openai/gsm8k\n  value: high\n"})
    hostile = story.repo("labs/hostile")
    notes = HOSTILE.encode("unicode_escape").decode().replace('"', "")
    result = entry(
        "openai/gsm8k", "main", "0.1", source=("https://example.org/%22%3E", '"<b>x</b>"'), notes=f'"{notes}"'
    )
    files = {
        "README.md": f"# {HOSTILE}\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png) <img onerror=1>\n",
        "one-line.txt": "x" * 1_000_000,
        "wide.csv": "\n".join(",".join("abcdefgh" for _ in range(40)) for _ in range(6000)),
        "data.bin": bytes(range(256)) * 8,
        "latin.txt": "Überfluß\n".encode("latin-1") * 50,
        "<b>&\"'.txt": "odd name\n",
        "deep/er/and/deeper/file.txt": "deep\n",
    }
    story.push(hostile, files, f"{HOSTILE} " * 3)
    story.force(hostile, {".eval_results/hostile.yaml": result.encode()})
    talk = story.hub.discussions
    num = talk.create(story.actor("noor"), hostile, f"{HOSTILE} title", f"{HOSTILE}\n\n<script>alert(1)</script>")
    talk.comment(story.actor("noor"), hostile, num, "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 200)
    secret = story.repo("labs/secret", private=True)
    story.push(secret, {".eval_results/sums.yaml": entry("mara/arithmetic", "sums", "99.9")}, "Keep it quiet")


def main() -> None:
    """Fill a hub in a folder and serve it: `python tests/page_stories.py FOLDER PORT`."""
    import sys

    from evalcommons.config import Settings
    from evalcommons.hub import open_hub
    from evalcommons.web.server import serve

    folder = Path(sys.argv[1])
    is_new = not folder.exists()
    hub = open_hub(Settings(data=folder, port=int(sys.argv[2])))
    if is_new:
        tell(hub)
    serve(hub, print)


if __name__ == "__main__":
    main()
