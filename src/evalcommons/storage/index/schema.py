"""Every table, with what a row means.

Times are whole milliseconds since 1970 in UTC. Ids that people see are `uid` texts; integer ids stay inside.
The tables under "evaluation index" can be rebuilt from the repos; the others are the only copy of what they hold.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only for a column typed INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

# --- people -----------------------------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(24), nullable=False, unique=True),
    Column("kind", String(4), nullable=False),  # user, org
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # lower case
    Column("fullname", Text, nullable=False, default=""),
    Column("email", Text),
    Column("password_hash", Text),  # argon2
    Column("is_admin", Boolean, nullable=False, default=False),
    Column("suspended_at", BigInteger),
    Column("suspended_why", Text),
    Column("private_by_default", Boolean, nullable=False, default=False),
    Column("created_at", BigInteger, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("org_id", ForeignKey("accounts.id"), primary_key=True),
    Column("user_id", ForeignKey("accounts.id"), primary_key=True, index=True),
    Column("role", Integer, nullable=False),  # core.access.Role
    Column("created_at", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),  # sha256 of the token, hex
    Column("name", Text, nullable=False),
    Column("role", String(12), nullable=False),  # core.access.TokenRole
    Column("scopes", Text, nullable=False, default="[]"),  # JSON: [[entity, need], …]
    Column("created_at", BigInteger, nullable=False),
)

# --- repos ------------------------------------------------------------------------------------------------------

repos = Table(
    "repos",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(24), nullable=False, unique=True),  # also the name of its folder on disk
    Column("kind", String(8), nullable=False),
    Column("owner_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("namespace", String(96), nullable=False),
    Column("name", String(96), nullable=False),
    # lower-case ns/name; a deleted repo's key has "#" and its uid appended, so that the name is free again
    Column("key", String(224), nullable=False),
    Column("creator_id", ForeignKey("accounts.id")),
    Column("private", Boolean, nullable=False, default=False),
    Column("gated", String(6), nullable=False, default=""),  # "", auto, manual
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("last_num", Integer, nullable=False, default=0),  # newest discussion or pull request
    Column("likes", Integer, nullable=False, default=0),
    Column("downloads", Integer, nullable=False, default=0),
    Column("official_at", BigInteger),  # a benchmark approved by an operator
    # What main says, kept by services.indexing:
    Column("sha", String(40), nullable=False, default=""),
    Column("modified_at", BigInteger, nullable=False),
    Column("card", Text, nullable=False, default="{}"),  # JSON of README.md's front matter
    Column("tags", Text, nullable=False, default="[]"),  # JSON list
    Column("base_models", Text, nullable=False, default="[]"),  # JSON list
    Column("parameters", BigInteger),  # count of weights
    Column("facts", Text, nullable=False, default="{}"),  # JSON: library_name, pipeline_tag, safetensors, …
    # Modification times of the folders of refs at the last indexing: they tell at start whether git moved without us.
    Column("refs_stamp", String(80), nullable=False, default=""),
    UniqueConstraint("kind", "key"),
    Index("ix_repos_modified_at", "kind", "modified_at", "id"),
    Index("ix_repos_created_at", "kind", "created_at", "id"),
    Index("ix_repos_downloads", "kind", "downloads", "id"),
    Index("ix_repos_likes", "kind", "likes", "id"),
)

repo_moves = Table(  # where a repo used to live
    "repo_moves",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("key", String(224), primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), nullable=False, index=True),
)

repo_tags = Table(
    "repo_tags",
    metadata,
    Column("tag", String(256), primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), primary_key=True, index=True),
)

likes = Table(
    "likes",
    metadata,
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("user_id", ForeignKey("accounts.id"), primary_key=True, index=True),
    Column("created_at", BigInteger, nullable=False),
)

access_requests = Table(
    "access_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(24), nullable=False, unique=True),
    Column("repo_id", ForeignKey("repos.id"), nullable=False),
    Column("user_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("status", String(8), nullable=False),  # pending, accepted, rejected
    Column("asked", Boolean, nullable=False, default=True),  # by the user themselves; False: granted unasked
    Column("fields", Text, nullable=False, default="{}"),
    Column("reason", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    UniqueConstraint("repo_id", "user_id"),
)

lfs_objects = Table(  # which repo may hand out which large file
    "lfs_objects",
    metadata,
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# --- discussions and pull requests ------------------------------------------------------------------------------

discussions = Table(
    "discussions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), nullable=False),
    Column("num", Integer, nullable=False),
    Column("is_pull", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", String(6), nullable=False),  # draft, open, closed, merged
    Column("author_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("base", String(255), nullable=False, default=""),  # refs/heads/… that a pull request wants to change
    Column("merge_commit", String(40), nullable=False, default=""),
    UniqueConstraint("repo_id", "num"),
)

discussion_events = Table(
    "discussion_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(24), nullable=False, unique=True),
    Column("discussion_id", ForeignKey("discussions.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # comment, status-change, title-change, commit
    Column("author_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    # For status changes of pull requests: how many updates its ref had seen, so that a rebuild replays the same order.
    Column("ref_updates", Integer),
)

pull_bases = Table(  # which commit of main each update of a pull request built on, as main was when the update came
    "pull_bases",
    metadata,
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("pull", Integer, primary_key=True),
    Column("update_no", Integer, primary_key=True),  # 0: the ref's first value
    Column("base_oid", String(40), nullable=False),  # "": unrelated histories
)

# --- evaluation index (rebuilt by `evalcommons admin reindex`) --------------------------------------------------

ref_positions = Table(  # how far into each ref's log the index has read
    "ref_positions",
    metadata,
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("pull", Integer, primary_key=True),  # 0: main
    Column("commit_oid", String(40), nullable=False),
    Column("updates", Integer, nullable=False),
    Column("files_oid", String(40), nullable=False, default=""),  # tree of .eval_results at that commit
)

results = Table(  # one row a version of a result; a result is (repo, pull, path, dataset, task, ordinal)
    "results",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(24), nullable=False),  # of the result: the same for all its versions
    Column("repo_id", ForeignKey("repos.id"), nullable=False),
    Column("pull", Integer, nullable=False),  # 0: the author's, on main
    Column("path", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),  # n-th entry of this dataset and task in the file
    Column("dataset_key", String(224), nullable=False),  # lower case
    Column("dataset", String(224), nullable=False),  # as written
    Column("task", String(255), nullable=False),
    Column("dataset_revision", String(64)),
    Column("value", Float(53), nullable=False),
    Column("verify_token", Text),
    Column("date", String(40)),
    Column("source", Text),  # JSON {url, name, user, org}
    Column("notes", Text),
    Column("evidence", Text),  # JSON of the matching entry of the evidence file
    Column("level", Integer, nullable=False, default=0),  # core.evidence.EvidenceLevel
    Column("commit_oid", String(40), nullable=False),
    Column("submitter", String(64), nullable=False),  # account name of who moved the ref
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger),
    Column("until_why", Text),
    Index("ix_results_group", "dataset_key", "task", "repo_id"),
    Index("ix_results_source", "repo_id", "pull", "until_at"),
    Index("ix_results_uid", "uid"),
)
Index(
    "ix_results_newest",
    results.c.from_at,
    results.c.id,
    sqlite_where=results.c.until_at.is_(None),
    postgresql_where=results.c.until_at.is_(None),
)

invalid_files = Table(  # evaluation files that stand on main or an open pull request but do not validate
    "invalid_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), nullable=False),
    Column("pull", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("commit_oid", String(40), nullable=False),
    Column("problems", Text, nullable=False),  # JSON list
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger),
    Index("ix_invalid_files_source", "repo_id", "pull", "until_at"),
)

benchmarks = Table(  # datasets whose main has an eval.yaml
    "benchmarks",
    metadata,
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("spec_oid", String(40), nullable=False),  # blob of eval.yaml
    Column("rules_oid", String(40), nullable=False, default=""),  # blob of leaderboard.yaml
    Column("spec", LargeBinary),  # the bytes of eval.yaml; parsed when wanted
    Column("rules", LargeBinary),
    Column("valid", Boolean, nullable=False),
    Column("name", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("framework", Text, nullable=False, default=""),
    Column("problems", Text, nullable=False, default="[]"),
)

boards = Table(  # one a task of a valid benchmark
    "boards",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), nullable=False),
    Column("dataset_keys", Text, nullable=False),  # JSON list: the dataset's id and those it had before, lower case
    Column("task", String(255), nullable=False),
    Column("position", Integer, nullable=False),  # order of the tasks in eval.yaml
    Column("higher_is_better", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # grows with every change of what a reader may see
    Column("changed_at", BigInteger, nullable=False),
    Column("listed_rows", Integer, nullable=False, default=0),  # rows anyone may see
    Column("base_rows", Integer, nullable=False, default=0),  # of these, rows of models that name no base model
    UniqueConstraint("repo_id", "task"),
)

board_rows = Table(  # the selected result of each model and variant
    "board_rows",
    metadata,
    Column("board_id", ForeignKey("boards.id"), primary_key=True),
    Column("repo_id", ForeignKey("repos.id"), primary_key=True),
    Column("variant", String(64), primary_key=True),
    # Board order: sort_key ascending (better first), then the older, then the uid, so that order never depends on luck.
    Column("sort_key", Float(53), nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("uid", String(24), nullable=False),
    Column("value", Float(53), nullable=False),
    Column("level", Integer, nullable=False),
    Column("parameters", BigInteger),
    Column("derived", Boolean, nullable=False),  # the model names a base model
    Column("listed", Boolean, nullable=False),  # anyone may see it
    Column("entry", Text, nullable=False),  # JSON object of the row without its rank, ready to be sent
    Index("ix_board_rows_repo_id", "repo_id"),
)
Index(
    "ix_board_rows_all",
    board_rows.c.board_id,
    board_rows.c.sort_key,
    board_rows.c.from_at,
    board_rows.c.uid,
    sqlite_where=board_rows.c.listed.is_(True),
    postgresql_where=board_rows.c.listed.is_(True),
)
Index(
    "ix_board_rows_base",
    board_rows.c.board_id,
    board_rows.c.sort_key,
    board_rows.c.from_at,
    board_rows.c.uid,
    sqlite_where=board_rows.c.listed.is_(True) & board_rows.c.derived.is_(False),
    postgresql_where=board_rows.c.listed.is_(True) & board_rows.c.derived.is_(False),
)
Index(
    "ix_board_rows_unlisted",
    board_rows.c.board_id,
    sqlite_where=board_rows.c.listed.is_(False),
    postgresql_where=board_rows.c.listed.is_(False),
)

rank_blocks = Table(  # runs of neighbouring rows with their size: a rank is a sum over blocks plus a count in one
    "rank_blocks",
    metadata,
    Column("board_id", ForeignKey("boards.id"), primary_key=True),
    Column("listing", Integer, primary_key=True),  # 0: all models; 1: without models that name a base model
    Column("sort_key", Float(53), primary_key=True),
    Column("from_at", BigInteger, primary_key=True),
    Column("uid", String(24), primary_key=True),
    Column("size", Integer, nullable=False),
)
