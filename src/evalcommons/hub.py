"""Builds every store and service of a hub, once."""

import gc
import time
from dataclasses import dataclass

from evalcommons.config import Settings
from evalcommons.core.clock import Clock
from evalcommons.services.accounts import Accounts
from evalcommons.services.boards import Boards
from evalcommons.services.catalogue import Catalogue
from evalcommons.services.commits import Commits
from evalcommons.services.contents import Contents
from evalcommons.services.discussions import Discussions
from evalcommons.services.downloads import Downloads
from evalcommons.services.evals import Evals
from evalcommons.services.indexing import Indexing
from evalcommons.services.large_files import LargeFiles
from evalcommons.services.leaderboards import Leaderboards
from evalcommons.services.pushes import Pushes
from evalcommons.services.repos import Repos
from evalcommons.services.social import Social
from evalcommons.services.specs import SpecCache
from evalcommons.storage.blobs import Blobs
from evalcommons.storage.durability import sync_folder
from evalcommons.storage.git import Git
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.migrate import migrate
from evalcommons.storage.journal import Journal
from evalcommons.storage.push_hook import install
from evalcommons.storage.secret import hub_secret

_YOUNG_OBJECTS = 5_000
"""New objects after which Python looks for cycles. We make few: at its 700, a rebuild spends a tenth of its time so."""


def wall_clock() -> int:
    """The time now, in ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Hub:
    """Everything a door needs, by name."""

    settings: Settings
    clock: Clock
    index: Index
    journal: Journal
    accounts: Accounts
    repos: Repos
    indexing: Indexing
    evals: Evals
    leaderboards: Leaderboards
    contents: Contents
    catalogue: Catalogue
    downloads: Downloads
    commits: Commits
    discussions: Discussions
    large_files: LargeFiles
    pushes: Pushes
    social: Social

    def close(self) -> None:
        """Write down what is only in memory, and close the database and the journal."""
        self.downloads.flush()
        self.journal.close()
        self.index.close()


def open_hub(settings: Settings, clock: Clock = wall_clock) -> Hub:
    """A hub over `settings.data`, its database migrated and what a crash left behind mended.

    raises  OSError when the folder cannot be made or read
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    settings.data.mkdir(parents=True, exist_ok=True)
    url = settings.database_url or f"sqlite:///{(settings.data / 'hub.sqlite').absolute()}"
    index = Index(url, lambda: sync_folder(settings.data))
    migrate(index.engine)
    git = Git(settings.data / "repos")
    journal = Journal(settings.data / "journal")
    blobs = Blobs.open(settings.data / "blobs", settings.blob_url)
    boards = Boards(SpecCache(settings.frameworks), clock)
    large_files = LargeFiles(index, blobs, clock, hub_secret(settings.data / "secret"))
    indexing = Indexing(index, git, journal, clock, boards, large_files, settings.frameworks)
    repos = Repos(index, git, journal, indexing, clock)
    evals = Evals(index, repos, boards, clock, settings.frameworks)
    contents = Contents(index, repos, large_files)
    journal.after_failure = indexing.mend_after_failure
    indexing.mend()
    return Hub(
        settings=settings,
        clock=clock,
        index=index,
        journal=journal,
        accounts=Accounts(index, clock),
        repos=repos,
        indexing=indexing,
        leaderboards=Leaderboards(index, repos, boards),
        evals=evals,
        contents=contents,
        catalogue=Catalogue(index, repos, contents, evals),
        downloads=Downloads(index, clock),
        commits=Commits(index, repos, journal, indexing, evals, large_files, clock, settings.regular_file_limit),
        discussions=Discussions(index, repos, journal, indexing, evals, clock),
        large_files=large_files,
        pushes=Pushes(
            index,
            git,
            journal,
            repos,
            large_files,
            evals,
            indexing,
            clock,
            install((settings.data / "hooks").absolute()),
            settings.push_file_limit,
        ),
        social=Social(index, repos, clock),
    )
