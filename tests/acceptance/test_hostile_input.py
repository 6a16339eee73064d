"""What attackers send: a clear refusal or inert text, never a crash, and nothing half-written.

The story of each case is the same. Somebody with an account sends something made to hang, fill, mislead or script; the
hub says what is wrong on whichever way it came; the repo is as it was; the next reader is served. Packs and refs that
are made to break git itself are in test_git.py.
"""

import itertools
import json
import logging
from collections.abc import Callable
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import quote

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd

from evalcommons.core.ids import RepoId, RepoKind
from evaluation_files import commit_lines, eval_yaml, results_yaml
from git_clients import Copy, left_behind

_NUMBERS = itertools.count(1)

RESULTS = ".eval_results/x.yaml"
EVIDENCE = ".eval_results/x.evidence.json"


def result(value: str = "0.5", dataset: str = '"lab/sums"', task: str = "main", more: str = "") -> bytes:
    return f"- dataset: {{id: {dataset}, task_id: {task}}}\n  value: {value}\n{more}".encode()


def alias_bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def merge_bomb() -> bytes:
    lines = ["m0: &m0 {k: v}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 40)]
    return "\n".join(lines).encode()


DOCUMENTS = {
    "alias bomb": (alias_bomb(), "anchor"),
    "merge-key bomb": (merge_bomb(), "anchor"),
    "merge key without anchor": (b"<<: {a: 1}\nname: x\n", "merge-key"),
    "tag that makes objects": (b"!!python/object/apply:os.system ['true']\n", "tag"),
    "duplicate keys": (b"name: a\nname: b\n", "duplicate-key"),
    "deep brackets": (b"[" * 5000, "too-deep"),
    "deep blocks": (b"- " * 5000 + b"x\n", "too-deep"),
    "not UTF-8": (b"name: \xff\xfe\n", "not-utf8"),
    "NUL": (b"name: a\0b\n", "syntax"),
    "two documents": (b"name: a\n---\nname: b\n", "second-document"),
    "many values": (b"[" + b"1," * 250_000 + b"1]", "too-many-values"),
    "over a megabyte": (b"# " + b"x" * (1 << 20), "too-large"),
    "zip": (b"PK\x03\x04" + bytes(range(256)), "not-utf8"),
    "empty": (b"", "empty"),
}
"""Bytes that are refused in every YAML file we read, and the code of the refusal."""

VALUES = {
    "NaN": (result(".nan"), "not-finite"),
    "infinite": (result("-.inf"), "not-finite"),
    "overflow": (result("1e999"), "not-finite"),
    "a number of 5,000 digits": (result("9" * 5000), "not-finite"),
    "text for a number": (result('"0.5"'), "wrong-type"),
    "bidi override in the benchmark": (result(dataset='"lab/\u202esmus"'), "hidden-character"),
    "zero-width in the benchmark": (result(dataset='"lab/su\u200bms"'), "hidden-character"),
    "zero-width in the task": (result(task='"ma\u200bin"'), "hidden-character"),
    "tag character in the task": (result(task='"main\U000e0061"'), "hidden-character"),
    "dots for a benchmark": (result(dataset='"../../etc/passwd"'), "bad-id"),
    "absolute benchmark": (result(dataset='"/etc/passwd"'), "bad-id"),
    "javascript: source": (result(more="  source: {url: 'javascript:alert(1)'}\n"), "bad-url"),
    "data: source": (result(more="  source: {url: 'data:text/html,<script>alert(1)</script>'}\n"), "bad-url"),
    "source with a line end": (result(more='  source: {url: "https://x.org/\\nSet-Cookie: a=b"}\n'), "wrong-type"),
    "terminal codes in notes": (result(more='  notes: "\\e]0;owned\\a\\e[2J"\n'), "hidden-character"),
    "the same key twice": (result(more="  value: 0.9\n"), "duplicate-key"),
}
"""Results that are YAML and still say nothing that can be kept."""

EVIDENCES = {
    "NaN": (b'{"version": 1, "entries": [{"stderr": NaN}]}', "syntax"),
    "infinite": (b'{"version": 1, "entries": [{"stderr": 1e999}]}', "not-finite"),
    "duplicate keys": (b'{"version": 1, "version": 1, "entries": []}', "duplicate-key"),
    "deep": (b"[" * 100_000, "too-deep"),
    "lone surrogate": (b'{"version": 1, "entries": [], "x": "\\ud800"}', "hidden-character"),
    "javascript: log": (
        b'{"version": 1, "entries": [{"dataset": {"id": "lab/sums", "task_id": "x"}, "log": {"url": "javascript:1"}}]}',
        "bad-url",
    ),
}
"""Evidence beside a result that would be fine."""


class Attack(NamedTuple):
    """What is sent.

    kind   of the repo
    files  path -> bytes
    code   of the problem that must be named
    """

    kind: RepoKind
    files: dict[str, bytes]
    code: str


def _attacks() -> dict[str, Attack]:
    found = {}
    for name, (data, code) in DOCUMENTS.items():
        found[f"results: {name}"] = Attack(RepoKind.MODEL, {RESULTS: data}, code)
        if "bomb" not in name and "keys" not in name:
            continue  # the reader is the same for all three files: the worst of them is enough
        found[f"eval.yaml: {name}"] = Attack(RepoKind.DATASET, {"eval.yaml": data}, code)
        rules = {"eval.yaml": eval_yaml(), "leaderboard.yaml": data}
        found[f"leaderboard.yaml: {name}"] = Attack(RepoKind.DATASET, rules, code)
    for name, (data, code) in VALUES.items():
        found[f"results: {name}"] = Attack(RepoKind.MODEL, {RESULTS: data}, code)
    for name, (data, code) in EVIDENCES.items():
        found[f"evidence: {name}"] = Attack(RepoKind.MODEL, {RESULTS: result(), EVIDENCE: data}, code)
    return found


ATTACKS = _attacks()


@pytest.fixture(scope="module", autouse=True)
def benchmark(server) -> str:
    """lab/sums, which every attack leaves as it is."""
    api = server.api(server.user("lab"))
    api.create_repo("lab/sums", repo_type="dataset")
    api.upload_file(path_or_fileobj=eval_yaml(), path_in_repo="eval.yaml", repo_id="lab/sums", repo_type="dataset")
    return "lab/sums"


@pytest.fixture(autouse=True)
def no_crash(server, benchmark, caplog):
    """After each story nothing was logged as an error, and the next reader is served."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert httpx2.get(f"{server.url}/api/datasets/{benchmark}/leaderboard").status_code == 200


@pytest.fixture
def repo(server):
    """repo(RepoKind.MODEL) -> the name of mallory's new repo."""

    def make(kind: RepoKind = RepoKind.MODEL) -> str:
        name = f"mallory/repo-{next(_NUMBERS)}"
        server.api(server.user("mallory")).create_repo(name, repo_type=kind.value)
        return name

    return make


@pytest.fixture
def state(server):
    """state("mallory/x", kind) -> all that could have changed: refs, pull requests, what git left lying about."""

    def look(name: str, kind: RepoKind = RepoKind.MODEL) -> object:
        api = server.api(server.user("mallory"))
        refs = api.list_repo_refs(name, repo_type=kind.value, include_pull_requests=True)
        found = [(one.ref, one.target_commit) for some in vars(refs).values() for one in some or []]
        talks = [one.num for one in api.get_repo_discussions(name, repo_type=kind.value)]
        row = server.hub.repos.open(server.hub.accounts.actor("mallory"), RepoId.parse(kind, name)).row
        return sorted(found), talks, left_behind(server.hub.repos.git.path(row.uid))

    return look


@pytest.fixture
def commit(server) -> Callable[..., httpx2.Response]:
    """commit("mallory/x", {path: bytes}) posts them as no client would; `create_pr` as a pull request."""

    def post(
        name: str, files: dict[str, bytes], kind: RepoKind = RepoKind.MODEL, *, create_pr: bool = False
    ) -> httpx2.Response:
        return httpx2.post(
            f"{server.url}/api/{kind.value}s/{name}/commit/main{'?create_pr=1' if create_pr else ''}",
            content=b"\n".join(commit_lines(files)),
            headers={"Authorization": f"Bearer {server.user('mallory')}", "Content-Type": "application/x-ndjson"},
            timeout=60,
        )

    return post


@pytest.fixture
def clone(server) -> Callable[..., Copy]:
    """clone("mallory/x", kind) -> a working copy with mallory's credentials."""

    def make(name: str, kind: RepoKind = RepoKind.MODEL) -> Copy:
        folder = server.home / f"hostile-{next(_NUMBERS)}"
        copy = Copy(server.home, server.env())
        copy.git("clone", "-q", server.git_url(f"{kind.prefix}{name}", server.user("mallory")), folder)
        copy.folder = folder
        return copy

    return make


# --- evaluation files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_file_is_refused_by_the_commit_api(repo, state, commit, name):
    """400, with the path, the problem's code and what to do; the branch and the pull requests stay."""
    kind, files, code = ATTACKS[name]
    target = repo(kind)
    before = state(target, kind)
    for create_pr in (False, True):
        answer = commit(target, files, kind, create_pr=create_pr)
        assert answer.status_code == 400, answer.text[:500]
        assert f"({code})" in answer.json()["error"]
        assert {one["code"] for one in answer.json()["problems"]} >= {code}
        assert len(answer.content) < 200_000
    assert state(target, kind) == before


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_file_is_refused_by_check(server, name):
    """POST /api/evals/check names the problem and stores nothing; bytes that JSON cannot carry are left out here."""
    kind, files, code = ATTACKS[name]
    try:
        sent = [{"path": path, "content": data.decode()} for path, data in files.items()]
    except UnicodeDecodeError:
        pytest.skip("JSON holds text: these bytes come by commit or push only")
    answer = httpx2.post(f"{server.url}/api/evals/check", json={"type": kind.value, "files": sent}, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    assert answer.json()["ok"] is False
    assert code in {one["code"] for one in answer.json()["problems"]}


def test_hostile_files_are_refused_by_git_push(server, repo, state, clone):
    """Every one of them: the push fails, the terminal shows the code and no control characters, the ref stays."""
    for kind in (RepoKind.MODEL, RepoKind.DATASET):
        target = repo(kind)
        copy = clone(target, kind)
        pull = server.api(server.user("mallory")).create_pull_request(target, "Later", repo_type=kind.value)
        before, start = state(target, kind), copy.head()
        for name, attack in ATTACKS.items():
            if attack.kind is not kind:
                continue
            copy.commit(dict(attack.files))
            said = copy.git("push", "origin", "HEAD:main", f"HEAD:{pull.git_reference}", ok=False)
            assert f"({attack.code})" in said, f"{name}: {said}"
            assert not set(said) & set(map(chr, [*range(9), 11, 12, *range(14, 27), *range(28, 32), 0x202E, 0x200B])), (
                name
            )
            copy.git("reset", "-q", "--hard", start)
        assert state(target, kind) == before


def test_a_hundred_megabytes_of_yaml_are_refused_on_every_way(server, repo, state, commit, clone):
    """Refused by size, before anything parses it."""
    target = repo()
    before = state(target)
    bomb = b"- a: b\n" * 14_000_000  # 98 MB, just under what any file may have
    answer = commit(target, {RESULTS: bomb})
    assert answer.status_code == 400, answer.text[:500]
    assert "(too-large)" in answer.json()["error"]
    assert commit(target, {RESULTS: bomb + bytes(10_000_000)}).status_code == 413
    body = json.dumps({"files": [{"path": RESULTS, "content": bomb.decode()}]}).encode()
    answer = httpx2.post(f"{server.url}/api/evals/check", content=body, timeout=60)
    assert answer.status_code == 413, answer.text[:500]
    copy = clone(target)
    copy.commit({RESULTS: bomb})
    assert "(too-large)" in copy.git("push", "origin", "HEAD:main", ok=False)
    assert state(target) == before


def test_what_a_card_says_can_neither_hang_nor_crash_the_hub(server, repo, commit):
    """Bombs in a README's metadata land as text: the repo is listed, without tags, and another card mends it."""
    target = repo()
    for name, (data, _) in DOCUMENTS.items():
        answer = commit(target, {"README.md": b"---\n" + data + b"\n---\n# " + name.encode()})
        assert answer.status_code == 200, (name, answer.text[:500])
        for url in (f"/api/models/{target}", "/api/models?author=mallory&full=true", f"/{target}"):
            assert httpx2.get(server.url + url, timeout=20).status_code == 200, (name, url)
    assert commit(target, {"README.md": b"---\nlicense: mit\n---\n"}).status_code == 200
    assert "license:mit" in httpx2.get(f"{server.url}/api/models/{target}").json()["tags"]


# --- paths ------------------------------------------------------------------------------------------------------------

PATHS = [
    "../../etc/passwd",
    "..",
    "a/../../b",
    "/etc/passwd",
    "//x",
    "a//b",
    "./a",
    "C:\\windows",
    "a\\..\\b",
    ".git/config",
    ".GIT/hooks/post-update",
    "a/.git/hooks/x",
    "git~1/x",
    ".git /x",
    "a\0b",
    "a\nb",
    "safe\u202etxt.exe",
    "a\u200b",
    "\ufeffa",
    "a/" * 3000 + "b",
    "x" * 300,
    "",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:30])
def test_a_path_that_leads_elsewhere_or_misleads_is_refused(server, repo, state, commit, path):
    """By commit and by preupload: 4xx with the rule that is broken."""
    target = repo()
    before = state(target)
    answer = commit(target, {path: b"x"})
    assert answer.status_code == 422, answer.text[:500]
    assert "cannot be used" in answer.json()["error"]
    asked = httpx2.post(
        f"{server.url}/api/models/{target}/preupload/main",
        json={"files": [{"path": path, "size": 1, "sample": ""}]},
        headers={"Authorization": f"Bearer {server.user('mallory')}"},
    )
    assert asked.status_code == 422, asked.text[:500]
    assert state(target) == before


@pytest.mark.parametrize(
    "path", ["../../../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cwin.ini", "a%00b"]
)
def test_reading_cannot_leave_the_repo(server, repo, path):
    """resolve, raw and tree find nothing outside the commit's files."""
    target = repo()
    for route in (f"{target}/resolve/main/", f"{target}/raw/main/", f"api/models/{target}/tree/main/"):
        request = httpx2.Request("GET", f"{server.url}/{route}")
        request.extensions["target"] = f"/{route}{path}".encode()
        with httpx2.Client() as client:
            answer = client.send(request)
        assert 400 <= answer.status_code < 500, (route, answer.status_code)
        assert "root:" not in answer.text


def test_links_and_submodules_are_refused_by_git_push(repo, state, clone):
    """A symbolic link out of the repo and a submodule both fail the push with a sentence."""
    target = repo()
    copy, before = clone(target), state(target)
    for mode, name, oid in (
        ("120000", "link", copy.blob(b"/etc/passwd")),
        ("120000", "link", copy.blob(b"../../../../etc/shadow")),
        ("160000", "module", bytes.fromhex("12" * 20)),
        ("100644", "..", copy.blob(b"x")),
        ("100644", ".git", copy.blob(b"x")),
    ):
        made = copy.commit_tree([(mode, name, oid)])
        said = copy.git("push", "origin", f"{made}:refs/heads/main", ok=False)
        assert "rejected" in said, (mode, name, said)
        assert f'"{name}"' in said or name in said, said
    assert state(target) == before


def test_a_file_that_unpacks_to_gigabytes_is_refused(repo, state, clone):
    """150 MB of zeros travel as 150 kB: what counts is the file, and the push says how to send it."""
    target = repo()
    copy, before = clone(target), state(target)
    copy.commit({"zeros.bin": bytes(150_000_000)})
    said = copy.git("push", "origin", "HEAD:main", ok=False)
    assert "zeros.bin" in said
    assert "LFS" in said
    assert state(target) == before


# --- text that scripts ------------------------------------------------------------------------------------------------

SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "[x](javascript:alert(1)) [y](data:text/html;base64,PHNjcmlwdD4=)",
    '<a href="javascript:alert(1)">x</a> <iframe srcdoc="<script>1</script>"></iframe>',
    "<style>*{display:none}</style><base href=//evil.example><form action=//evil.example><input name=password></form>",
    "{{7*7}} ${7*7} {% raw %}",
)


class Page(HTMLParser):
    """What of a page could act."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.live: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base", "frame"):
            self.live.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name == "srcdoc":
                self.live.append(f"{tag} {name}")
            if name in ("href", "src", "action", "formaction", "xlink:href"):
                where = "".join((value or "").split()).lower()
                inline_picture = name == "src" and tag == "img" and where.startswith("data:image/")
                if where.startswith(("javascript:", "vbscript:", "data:")) and not inline_picture:
                    self.live.append(f"{tag} {name}={value}")
                if "evil.example" in where and tag in ("form", "base"):
                    self.live.append(f"{tag} {name}={value}")


def test_markup_in_notes_names_and_cards_is_shown_as_text(server, repo, benchmark):
    """Whoever opens the model, its files, its pull requests or the board runs nothing that somebody else wrote."""
    target = repo()
    api = server.api(server.user("mallory"))
    entries = b"".join(
        results_yaml(
            n / 10,
            dataset=benchmark,
            notes=json.dumps(text),
            source=json.dumps({"url": f"https://example.org/{n}?%3Cscript%3E", "name": text}),
        )
        for n, text in enumerate(SCRIPTS)
    )
    everything = "\n\n".join(SCRIPTS)
    card = f"---\nlicense: mit\ntags: [{json.dumps(SCRIPTS[1])}]\n---\n{everything}\n".encode()
    api.create_commit(
        target,
        [
            CommitOperationAdd(RESULTS, entries),
            CommitOperationAdd("README.md", card),
            CommitOperationAdd("page.html", everything.encode()),
        ],
        commit_message=SCRIPTS[0],
        commit_description=everything,
    )
    pull = api.create_commit(
        target,
        [CommitOperationAdd(f"notes/{SCRIPTS[0].replace('/', '')}.md", everything.encode())],
        commit_message=SCRIPTS[1],
        commit_description=everything,
        create_pr=True,
    )
    talk = api.create_discussion(target, SCRIPTS[0], description=everything)
    api.comment_discussion(target, talk.num, everything)

    pages = [
        "/",
        f"/{target}",
        f"/{target}/tree/main",
        f"/{target}/blob/main/README.md",
        f"/{target}/blob/main/page.html",
        f"/{target}/commits/main",
        f"/{target}/discussions",
        f"/{target}/discussions/{pull.pr_num}",
        f"/{target}/discussions/{talk.num}",
        f"/datasets/{benchmark}",
        "/models",
        "/mallory",
    ]
    seen = 0
    for path in pages:
        answer = httpx2.get(server.url + path, headers={"Accept": "text/html"}, follow_redirects=True)
        assert answer.status_code < 500, path
        if answer.status_code == 200 and "html" in answer.headers["Content-Type"]:
            seen += 1
            assert Page(answer.text).live == [], path
    assert seen >= 8

    # Files of strangers must not run under the hub's own address either.
    file = httpx2.get(f"{server.url}/{target}/resolve/main/page.html")
    assert file.status_code == 200
    assert "text/html" not in file.headers["Content-Type"] or "sandbox" in file.headers.get(
        "Content-Security-Policy", ""
    )
    for event in api.get_discussion_details(target, talk.num).events:
        html = event._event["data"].get("latest", {}).get("html")
        if html:
            assert Page(html).live == []


def test_a_spreadsheet_of_the_board_runs_no_formulas(server, repo, benchmark):
    """Notes that begin like a formula reach CSV readers as text."""
    target = repo()
    server.api(server.user("mallory")).upload_file(
        path_or_fileobj=results_yaml(0.01, dataset=benchmark, notes='"=HYPERLINK(1)"'),
        path_in_repo=RESULTS,
        repo_id=target,
    )
    text = httpx2.get(f"{server.url}/api/datasets/{benchmark}/leaderboard?format=csv").text
    assert "'=HYPERLINK(1)" in text


# --- requests ---------------------------------------------------------------------------------------------------------


HEADER = b'{"key": "header", "value": {"summary": "x"}}\n'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 1000,
        b"PK\x03\x04" + bytes(100),
        b"{}\n{}",
        HEADER + b'{"key": "file", "value": {"path": "a", "content": "!!", "encoding": "base64"}}',
        HEADER + b'{"key": "file", "value": {"path": "a", "content": 5}}',
        HEADER + b'{"key": "symlink", "value": {"path": "a"}}',
        HEADER + b"[" * 100_000,
        HEADER.replace(b'"x"', b'"x", "parentCommit": "--upload-pack=x"'),
        HEADER + b'{"key": "copyFile", "value": {"path": "a", "srcPath": "../x", "srcRevision": "--x"}}',
        HEADER + b'{"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "../../x", "size": 1}}',
        HEADER + b'{"key": "deletedFile", "value": {"path": "../../x"}}',
    ],
    ids=range(12),
)
def test_a_commit_request_that_is_none_is_refused(server, repo, state, body):
    """4xx with a sentence that says which line is wrong."""
    target = repo()
    before = state(target)
    answer = httpx2.post(
        f"{server.url}/api/models/{target}/commit/main",
        content=body,
        headers={"Authorization": f"Bearer {server.user('mallory')}"},
    )
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert len(answer.json()["error"].split()) > 3
    assert state(target) == before


def test_a_check_of_nonsense_is_refused(server):
    """/api/evals/check takes text files of a known kind of repo, and paths are names only: nothing is opened."""
    for body in (
        {"files": [{"path": "a", "content": 1}]},
        {"type": "space", "files": []},
        {"files": "all"},
        {"files": [{"path": "a", "content": "x"}] * 2000},
        {"files": [], "extra": 1},
    ):
        assert httpx2.post(f"{server.url}/api/evals/check", json=body).status_code in (400, 422), body
    sent = {
        "files": [{"path": "/etc/passwd", "content": "x"}, {"path": "../../x/.eval_results/a.yaml", "content": "x"}]
    }
    told = httpx2.post(f"{server.url}/api/evals/check", json=sent)
    assert told.status_code == 200
    assert "root:" not in told.text
    lone = b'{"files": [{"path": ".eval_results/a.yaml", "content": "\\ud800"}]}'
    assert httpx2.post(f"{server.url}/api/evals/check", content=lone).status_code in (200, 400)


def test_headers_cannot_be_smuggled_into_answers(server, repo, commit):
    """File names and errors with line ends reach no header."""
    target = repo()
    for path in ("a\r\nSet-Cookie: x=y", "é" * 60, 'a;b".txt'):
        answer = commit(target, {path: b"x"})
        assert "set-cookie" not in answer.headers
        if answer.status_code == 200:
            read = httpx2.get(httpx2.URL(server.url).join(f"/{target}/resolve/main/{quote(path)}"))
            assert read.status_code == 200
            assert "set-cookie" not in read.headers


@pytest.mark.parametrize("task", ["日本語", "main ", " x", "é", "a&b=c", "../x", "%2e%2e", "<b>", "a\u00a0b"])
def test_a_task_may_have_an_odd_name_and_its_board_is_still_read(server, repo, commit, task):
    """Ids of tasks are free text: they stand in headers, addresses and pages without breaking one of them."""
    target = repo(RepoKind.DATASET)
    done = commit(target, {"eval.yaml": eval_yaml(json.dumps(task))}, RepoKind.DATASET)
    if done.status_code == 400:
        assert "eval.yaml:5:9: error:" in done.json()["error"]
        return
    for params in ({}, {"task_id": task}, {"all": "true"}, {"format": "csv"}):
        for headers in ({}, {"Authorization": f"Bearer {server.user('mallory')}"}):
            answer = httpx2.get(
                f"{server.url}/api/datasets/{target}/leaderboard", params=params, headers=headers, timeout=20
            )
            assert answer.status_code == 200, (params, answer.text[:300])
    assert httpx2.get(f"{server.url}/datasets/{target}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "as_of=9999-12-31",
        "as_of=0001-01-01",
        "as_of=2026-13-45",
        "as_of=-1",
        "limit=0",
        "limit=99999999999999999999",
        "limit=%D9%A1",
        "cursor=%00",
        "cursor=W10",
        "cursor=WzFlOTk5LDEsIngiLDEsMV0",
        "max_params=1e999",
        "max_params=-1B",
        "min_evidence=%00",
        "variant=" + "x" * 5000,
        "task_id=%00",
        "task_id=%ff%fe",
        "base_model=maybe",
        "format=parquet%0d%0aX: y",
        "%00=%00",
        "&&&=&=",
    ],
)
def test_a_board_asked_for_nonsense_says_what_may_be_asked(server, benchmark, query):
    """No query makes the hub crash; what cannot be read is a 400 or 404 with a sentence."""
    for headers in ({}, {"Authorization": f"Bearer {server.user('mallory')}"}):
        answer = httpx2.get(f"{server.url}/api/datasets/{benchmark}/leaderboard?{query}", headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code != 200:
            assert len(answer.json()["error"].split()) > 3
