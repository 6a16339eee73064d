"""What a push may bring, decided without a server: the objects lie in a quarantine as git would have put them."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import NotSignedIn, Unavailable
from evalcommons.core.ids import MAIN
from evalcommons.services import pushes
from evalcommons.services.pushes import RefUpdate, Verdict, lines
from evalcommons.storage.push_hook import ASK, END, TOLD, can_run, install
from git_clients import ZERO, Copy


@pytest.fixture
def quarantine(hub, tmp_path):
    """quarantine(row) -> a repo whose objects stand in a quarantine of the hub's repo."""

    def make(row):
        real = hub.repos.git.path(row.uid)
        folder = tmp_path / "work"
        objects = real / "objects" / "tmp_objdir-incoming-test"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        copy = Copy(tmp_path, env)
        copy.git("clone", "-q", real, folder)
        copy.folder = folder
        objects.mkdir()
        copy.env |= {
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(real / "objects"),
        }
        copy.objects = objects
        return copy

    return make


@pytest.fixture
def judge(hub, actor_of):
    """judge(row, copy, new, by="alice", ref=MAIN, **changes) -> the verdict; `changes` replace fields."""

    def check(row, copy, new, *, by="alice", ref=MAIN, **changes):
        old = hub.repos.git.open_once(row.uid).ref(ref) or ZERO
        service = replace(hub.pushes, **changes)
        return service.check(actor_of(by), row, copy.objects, [RefUpdate(ref, old, new)])

    return check


def test_a_good_push_is_taken(make_repo, quarantine, judge):
    """No refusals, no warnings."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    assert judge(row, copy, copy.commit({"README.md": "hello", "a/b/c.txt": "x"})) == Verdict([], [])


def test_a_file_too_large_for_git_is_named_with_its_remedy(make_repo, quarantine, judge):
    """The limit is a setting; the remedy can be typed."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    new = copy.commit({"data/big file.csv": b"x" * 2001, "ok.txt": b"x" * 2000})
    (refusal,) = judge(row, copy, new, file_limit=2000).refusals
    assert '"data/big file.csv" has 2,001 bytes; outside Git LFS a file may have 2,000' in refusal
    assert 'git lfs migrate import --include="data/big file.csv"' in refusal


def test_what_the_hub_has_is_not_checked_again(make_repo, quarantine, judge, hub):
    """A rule that came later does not lock people out of their own history."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    old = copy.commit({"big.csv": b"x" * 3000})
    for path in copy.objects.rglob("??/*"):
        target = hub.repos.git.path(row.uid) / "objects" / path.relative_to(copy.objects)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    subprocess.run(["git", "-C", hub.repos.git.path(row.uid), "update-ref", MAIN, old], check=True)
    assert judge(row, copy, copy.commit({"README.md": "hello"}), file_limit=2000).refusals == []
    assert judge(row, copy, copy.commit({"big.csv": b"y" * 3000}), file_limit=2000).refusals != []


def test_a_bomb_of_folders_is_cut_short(make_repo, quarantine, judge, monkeypatch):
    """Ten folders in ten folders in ten folders: a few hundred bytes that would be ten billion files."""
    monkeypatch.setattr(pushes, "MAX_CHANGES", 50_000)
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    inner, mode = copy.blob(b"bang").hex(), "100644 blob"
    for _ in range(10):
        listing = "".join(f"{mode} {inner}\td{number}\n" for number in range(10))
        inner, mode = copy.git("mktree", data=listing.encode()).strip(), "040000 tree"
    bomb = copy.git("commit-tree", inner, "-p", "HEAD", "-m", "bomb").strip()
    (refusal,) = judge(row, copy, bomb).refusals
    assert "More than 50000 files would change" in refusal


def test_a_monstrous_commit_or_folder_is_not_even_read(make_repo, quarantine, judge, monkeypatch):
    """A message of megabytes and a folder of a million names are refused by their size."""
    monkeypatch.setattr(pushes, "MAX_OBJECT", 10_000)
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    long = copy.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", data=b"x" * 20_000).strip()
    (refusal,) = judge(row, copy, long).refusals
    assert refusal.startswith(f"{long} is a commit, folder or tag of 20,")


def test_many_slips_are_cut_to_a_readable_list(make_repo, quarantine, judge):
    """The terminal does not drown; the number of what is not listed is told."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    for number in range(50):
        (copy.folder / f"link{number:02}").symlink_to("/etc/passwd")
    refusals = judge(row, copy, copy.commit({})).refusals
    assert len(refusals) == 21
    assert refusals[-1] == "… and 30 more files like these"


@pytest.mark.parametrize("path", ["/etc", "..", "../objects", "/nowhere"])
def test_a_quarantine_lies_in_its_own_repo(make_repo, quarantine, judge, path):
    """Whatever the hook says, only objects of this push are looked at."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    new = copy.commit({"README.md": "hello"})
    copy.objects = Path(path) if path.startswith("/") else copy.objects.parent.parent / path
    with pytest.raises(FileNotFoundError):
        judge(row, copy, new)


def test_rights_are_looked_at_when_the_pack_has_come(make_repo, quarantine, judge, hub, actor_of):
    """A repo deleted, an account suspended, or a repo given away meanwhile: the push does not land."""
    row = make_repo("alice/tiny")
    copy = quarantine(row)
    new = copy.commit({"README.md": "hello"})
    actor = actor_of("alice")
    hub.accounts.suspend("alice", "spam")
    assert "suspended" in hub.pushes.check(actor, row, copy.objects, [RefUpdate(MAIN, ZERO, new)]).refusals[0]
    hub.accounts.suspend("alice", None)
    assert "you may not change" in judge(row, copy, new, by="bob").refusals[0]
    hub.repos.delete(actor, row.repo_id)
    assert "was deleted" in hub.pushes.check(actor, row, None, [RefUpdate(MAIN, ZERO, new)]).refusals[0]


def test_too_many_refs_are_pushed_in_parts(make_repo, hub, actor_of):
    """A mirror of thousands of refs is told how to come in."""
    row = make_repo("alice/tiny")
    updates = [RefUpdate(f"refs/tags/v{number}", ZERO, "1" * 40) for number in range(1001)]
    assert "push in parts" in hub.pushes.check(actor_of("alice"), row, None, updates).refusals[0]


def test_a_hub_whose_hook_cannot_run_takes_no_pushes(make_repo, hub, actor_of, tmp_path):
    """git skips a hook that it cannot execute; then nothing would be checked."""
    row = make_repo("alice/tiny")
    hooks = install(tmp_path / "hooks")
    assert can_run(hooks)
    service = replace(hub.pushes, hooks=hooks)
    assert service.begin(actor_of("bob"), row.repo_id).row.id == row.id
    (hooks / "pre-receive").chmod(0o644)
    with pytest.raises(Unavailable, match="let programs run from"):
        service.begin(actor_of("alice"), row.repo_id)
    install(hooks)
    service.begin(actor_of("alice"), row.repo_id)


def test_nobody_begins_a_push_without_an_account(make_repo, hub):
    """Anonymous is asked who they are."""
    with pytest.raises(NotSignedIn):
        hub.pushes.begin(ANONYMOUS, make_repo("alice/tiny").repo_id)


def test_the_hook_refuses_when_nobody_answers(tmp_path):
    """A push over a shell account, or to a server that died, lands nothing."""
    hook = install(tmp_path / "hooks") / "pre-receive"
    alone = subprocess.run([hook], input=b"", capture_output=True, check=False, env={"PATH": os.environ["PATH"]})
    assert alone.returncode == 1
    assert b"through its hub only" in alone.stderr
    ask, told = os.pipe(), os.pipe()
    env = {"PATH": os.environ["PATH"], ASK: str(ask[1]), TOLD: str(told[0]), END: "the-end"}
    os.write(told[1], b" a line\nyes, but not quite\n")
    os.close(told[1])
    done = subprocess.run(
        [hook], input=b"old new ref\n", capture_output=True, check=False, env=env, pass_fds=(ask[1], told[0])
    )
    assert (done.returncode, done.stderr) == (1, b"a line\n")
    assert os.read(ask[0], 1000) == b"\nold new ref\nthe-end\n"
    for descriptor in (*ask, told[0]):
        os.close(descriptor)


def test_lines_for_the_terminal_are_inert():
    """What a hostile name says cannot drive the terminal of who reads about it."""
    assert lines(Verdict(["a\x1b[2Jb\u202ec"], ["w"])) == ["This push was refused:", "a\\x1b[2Jb\\u202ec"]
    assert lines(Verdict([], ["odd\nhint"])) == ["Accepted, with warnings:", "odd", "hint"]
    assert lines(Verdict([], [])) == []
