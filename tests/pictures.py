"""Everything a hub shows about results, as one value to compare."""

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import EvalCommonsError
from evalcommons.core.ids import RepoKind
from evalcommons.services.leaderboards import Wanted
from evalcommons.storage.index.boards import Listing


def picture(hub) -> dict[str, object]:
    """Everything that boards, model pages and histories show, to anybody and to everybody who is signed in."""
    seen: dict[str, object] = {}
    readers = [ANONYMOUS, *(hub.accounts.actor(account.name) for account in hub.accounts.all("user"))]
    with hub.index.read() as db:
        repos = db.repos.all()
        for repo in repos:
            rows = [*db.results.of_repos([repo.id])[repo.id], *db.results.ended(repo.id, limit=10_000)]
            facts = [
                (r.uid, r.pull, r.path, r.ordinal, r.value, r.level, r.commit_oid, r.submitter, r.from_at, r.until_at,
                 r.until_why, r.notes, r.evidence)
                for r in rows
            ]  # fmt: skip
            seen[f"{repo.repo_id} results"] = sorted(facts, key=repr)
            seen[f"{repo.repo_id} invalid"] = {
                key: (v.content, v.commit, v.from_at) for key, v in db.results.invalid(repo.id).items()
            }
            boards = [
                (b.task, b.position, b.dataset_keys, b.listed_rows, b.base_rows) for b in db.boards.of_dataset(repo.id)
            ]
            seen[f"{repo.repo_id} boards"] = boards
    for repo in repos:
        if repo.kind is RepoKind.DATASET:
            for reader in readers:
                for listing in Listing:
                    for task in (None, "main", "hard"):
                        wanted = Wanted(task=task, listing=listing)
                        try:
                            page = hub.leaderboards.page(reader, repo.repo_id, wanted)
                            seen[f"{repo.repo_id} {reader.name} {listing} {task}"] = (
                                page.as_json(),
                                page.total,
                                page.left_out,
                            )
                        except EvalCommonsError as error:
                            seen[f"{repo.repo_id} {reader.name} {listing} {task}"] = str(error)
    return seen
