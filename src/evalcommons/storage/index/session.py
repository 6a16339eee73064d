"""One connection's view of the database, with a store for each noun."""

from functools import cached_property

import sqlalchemy as sa

from evalcommons.storage.index.accounts import Accounts
from evalcommons.storage.index.benchmarks import Benchmarks
from evalcommons.storage.index.boards import Boards
from evalcommons.storage.index.discussions import Discussions
from evalcommons.storage.index.repos import Repos
from evalcommons.storage.index.results import Results


class Session:
    """What a service asks the database, noun by noun; made by `Index.read` and `Index.transaction`."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    @cached_property
    def accounts(self) -> Accounts:
        """Users, organisations, members, tokens."""
        return Accounts(self.connection)

    @cached_property
    def repos(self) -> Repos:
        """Repos, their moves, tags, likes, access requests and large files."""
        return Repos(self.connection)

    @cached_property
    def discussions(self) -> Discussions:
        """Discussions, pull requests and their events."""
        return Discussions(self.connection)

    @cached_property
    def results(self) -> Results:
        """Versions of results, invalid files, and how far each ref was read."""
        return Results(self.connection)

    @cached_property
    def benchmarks(self) -> Benchmarks:
        """Datasets with an eval.yaml."""
        return Benchmarks(self.connection)

    @cached_property
    def boards(self) -> Boards:
        """Boards: selected rows, ranks, versions."""
        return Boards(self.connection)
