"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.String(length=64), nullable=False),
        sa.Column("fullname", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.Column("suspended_why", sa.Text(), nullable=True),
        sa.Column("private_by_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name_key", name=op.f("uq_accounts_name_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_accounts_uid")),
    )
    op.create_table(
        "members",
        sa.Column("org_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["accounts.id"], name=op.f("fk_members_org_id")),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.id"], name=op.f("fk_members_user_id")),
        sa.PrimaryKeyConstraint("org_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "repos",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("namespace", sa.String(length=96), nullable=False),
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.Column("key", sa.String(length=224), nullable=False),
        sa.Column("creator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("gated", sa.String(length=6), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("last_num", sa.Integer(), nullable=False),
        sa.Column("likes", sa.Integer(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("official_at", sa.BigInteger(), nullable=True),
        sa.Column("sha", sa.String(length=40), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("base_models", sa.Text(), nullable=False),
        sa.Column("parameters", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("refs_stamp", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["creator_id"], ["accounts.id"], name=op.f("fk_repos_creator_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_repos_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repos")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_repos_kind_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_repos_uid")),
    )
    op.create_index("ix_repos_created_at", "repos", ["kind", "created_at", "id"], unique=False)
    op.create_index("ix_repos_downloads", "repos", ["kind", "downloads", "id"], unique=False)
    op.create_index("ix_repos_likes", "repos", ["kind", "likes", "id"], unique=False)
    op.create_index("ix_repos_modified_at", "repos", ["kind", "modified_at", "id"], unique=False)
    op.create_index(op.f("ix_repos_owner_id"), "repos", ["owner_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "access_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_access_requests_repo_id")),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.id"], name=op.f("fk_access_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
        sa.UniqueConstraint("repo_id", "user_id", name=op.f("uq_access_requests_repo_id_user_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_access_requests_uid")),
    )
    op.create_index(op.f("ix_access_requests_user_id"), "access_requests", ["user_id"], unique=False)
    op.create_table(
        "benchmarks",
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("spec_oid", sa.String(length=40), nullable=False),
        sa.Column("rules_oid", sa.String(length=40), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=True),
        sa.Column("rules", sa.LargeBinary(), nullable=True),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_benchmarks_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_benchmarks")),
    )
    op.create_table(
        "boards",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dataset_keys", sa.Text(), nullable=False),
        sa.Column("task", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("higher_is_better", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("listed_rows", sa.Integer(), nullable=False),
        sa.Column("base_rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_boards_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
        sa.UniqueConstraint("repo_id", "task", name=op.f("uq_boards_repo_id_task")),
    )
    op.create_table(
        "discussions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("is_pull", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=6), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.String(length=255), nullable=False),
        sa.Column("merge_commit", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name=op.f("fk_discussions_author_id")),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_discussions_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussions")),
        sa.UniqueConstraint("repo_id", "num", name=op.f("uq_discussions_repo_id_num")),
    )
    op.create_index(op.f("ix_discussions_author_id"), "discussions", ["author_id"], unique=False)
    op.create_table(
        "invalid_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("commit_oid", sa.String(length=40), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_invalid_files_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invalid_files")),
    )
    op.create_index("ix_invalid_files_source", "invalid_files", ["repo_id", "pull", "until_at"], unique=False)
    op.create_table(
        "lfs_objects",
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_lfs_objects_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "sha256", name=op.f("pk_lfs_objects")),
    )
    op.create_table(
        "likes",
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_likes_repo_id")),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.id"], name=op.f("fk_likes_user_id")),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_likes")),
    )
    op.create_index(op.f("ix_likes_user_id"), "likes", ["user_id"], unique=False)
    op.create_table(
        "pull_bases",
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("update_no", sa.Integer(), nullable=False),
        sa.Column("base_oid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_pull_bases_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "pull", "update_no", name=op.f("pk_pull_bases")),
    )
    op.create_table(
        "ref_positions",
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("commit_oid", sa.String(length=40), nullable=False),
        sa.Column("updates", sa.Integer(), nullable=False),
        sa.Column("files_oid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_ref_positions_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "pull", name=op.f("pk_ref_positions")),
    )
    op.create_table(
        "repo_moves",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=224), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_repo_moves_repo_id")),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_repo_moves")),
    )
    op.create_index(op.f("ix_repo_moves_repo_id"), "repo_moves", ["repo_id"], unique=False)
    op.create_table(
        "repo_tags",
        sa.Column("tag", sa.String(length=256), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_repo_tags_repo_id")),
        sa.PrimaryKeyConstraint("tag", "repo_id", name=op.f("pk_repo_tags")),
    )
    op.create_index(op.f("ix_repo_tags_repo_id"), "repo_tags", ["repo_id"], unique=False)
    op.create_table(
        "results",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("dataset_key", sa.String(length=224), nullable=False),
        sa.Column("dataset", sa.String(length=224), nullable=False),
        sa.Column("task", sa.String(length=255), nullable=False),
        sa.Column("dataset_revision", sa.String(length=64), nullable=True),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.Column("verify_token", sa.Text(), nullable=True),
        sa.Column("date", sa.String(length=40), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("commit_oid", sa.String(length=40), nullable=False),
        sa.Column("submitter", sa.String(length=64), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=True),
        sa.Column("until_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_results_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
    )
    op.create_index("ix_results_group", "results", ["dataset_key", "task", "repo_id"], unique=False)
    op.create_index(
        "ix_results_newest",
        "results",
        ["from_at", "id"],
        unique=False,
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.create_index("ix_results_source", "results", ["repo_id", "pull", "until_at"], unique=False)
    op.create_index("ix_results_uid", "results", ["uid"], unique=False)
    op.create_table(
        "board_rows",
        sa.Column("board_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("sort_key", sa.Float(precision=53), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.BigInteger(), nullable=True),
        sa.Column("derived", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_board_rows_board_id")),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_board_rows_repo_id")),
        sa.PrimaryKeyConstraint("board_id", "repo_id", "variant", name=op.f("pk_board_rows")),
    )
    op.create_index(
        "ix_board_rows_all",
        "board_rows",
        ["board_id", "sort_key", "from_at", "uid"],
        unique=False,
        sqlite_where=sa.text("listed IS 1"),
        postgresql_where=sa.text("listed IS true"),
    )
    op.create_index(
        "ix_board_rows_base",
        "board_rows",
        ["board_id", "sort_key", "from_at", "uid"],
        unique=False,
        sqlite_where=sa.text("listed IS 1 AND derived IS 0"),
        postgresql_where=sa.text("listed IS true AND derived IS false"),
    )
    op.create_index("ix_board_rows_repo_id", "board_rows", ["repo_id"], unique=False)
    op.create_index(
        "ix_board_rows_unlisted",
        "board_rows",
        ["board_id"],
        unique=False,
        sqlite_where=sa.text("listed IS 0"),
        postgresql_where=sa.text("listed IS false"),
    )
    op.create_table(
        "discussion_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("discussion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("ref_updates", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name=op.f("fk_discussion_events_author_id")),
        sa.ForeignKeyConstraint(["discussion_id"], ["discussions.id"], name=op.f("fk_discussion_events_discussion_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussion_events")),
        sa.UniqueConstraint("uid", name=op.f("uq_discussion_events_uid")),
    )
    op.create_index(op.f("ix_discussion_events_author_id"), "discussion_events", ["author_id"], unique=False)
    op.create_index(op.f("ix_discussion_events_discussion_id"), "discussion_events", ["discussion_id"], unique=False)
    op.create_table(
        "rank_blocks",
        sa.Column("board_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing", sa.Integer(), nullable=False),
        sa.Column("sort_key", sa.Float(precision=53), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(length=24), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_rank_blocks_board_id")),
        sa.PrimaryKeyConstraint("board_id", "listing", "sort_key", "from_at", "uid", name=op.f("pk_rank_blocks")),
    )
