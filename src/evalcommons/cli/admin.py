"""`evalcommons admin`: accounts, tokens, benchmarks and the index of a hub on this machine."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalcommons.cli.hubs import Data, Json, opened
from evalcommons.cli.printing import print_json, print_table
from evalcommons.core.access import Actor, Role, TokenRole, parse_scope
from evalcommons.core.clock import timestamp
from evalcommons.core.errors import BadRequest, NotFound
from evalcommons.core.ids import RepoId, RepoKind

if TYPE_CHECKING:
    from evalcommons.hub import Hub
    from evalcommons.storage.index.accounts import Account
    from evalcommons.storage.index.repos import RepoRow


class RoleWord(StrEnum):
    """A role in an organisation, as people write it."""

    READ = "read"
    CONTRIBUTOR = "contributor"
    WRITE = "write"
    ADMIN = "admin"


class TokenWord(StrEnum):
    """What a token is made for, as people write it."""

    READ = "read"
    WRITE = "write"
    FINE_GRAINED = "fine-grained"


_TOKEN_ROLES = {
    TokenWord.READ: TokenRole.READ,
    TokenWord.WRITE: TokenRole.WRITE,
    TokenWord.FINE_GRAINED: TokenRole.FINE_GRAINED,
}


def _group(text: str) -> typer.Typer:
    return typer.Typer(help=text, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


app = _group("Look after a hub: accounts, tokens, benchmarks, the index.")
user_app = _group("Users: create, suspend, list.")
org_app = _group("Organisations and their members.")
token_app = _group("Access tokens: create, list, revoke.")
benchmark_app = _group("Which benchmarks are official.")
repo_app = _group("Repos, and where they lie on disk.")
for _name, _app in (
    ("user", user_app),
    ("org", org_app),
    ("token", token_app),
    ("benchmark", benchmark_app),
    ("repo", repo_app),
):
    app.add_typer(_app, name=_name)

_OPERATOR = Actor(name="operator", is_admin=True)
"""Whoever can write to the hub's folder may see everything in it."""

_Name = Annotated[str, typer.Argument(help="Name of the account.")]
_TokenText = Annotated[
    str | None, typer.Option("--token", help="The token's text, 8 to 256 characters; without it, a random one.")
]

# --- users ------------------------------------------------------------------------------------------------------------


@user_app.command("create")
def create_user(
    name: _Name,
    email: Annotated[str | None, typer.Option(help="Address; only its owner sees it.")] = None,
    fullname: Annotated[str, typer.Option(help="Name as people write it.")] = "",
    is_admin: Annotated[bool, typer.Option("--admin", help="May do everything on this hub.")] = False,
    token: Annotated[str | None, typer.Option("--token", help="Also give them a write token with this text.")] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password, or read a line of the standard input.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create a user."""
    chosen = _ask_password() if password else None
    with opened(data, make=True) as hub:
        account, made = hub.accounts.create_user(
            name, email=email, fullname=fullname, is_admin=is_admin, password=chosen, token=token
        )
    if as_json:
        print_json({**_user(account), "token": made})
        return
    print(f"Created the user {account.name}.")
    if made is None:
        print(f"For an access token: evalcommons admin token create {account.name}")
    else:
        print(f"Access token (shown this once): {made}")


@user_app.command("list")
def list_users(data: Data = None, as_json: Json = False) -> None:
    """List the users."""
    with opened(data) as hub:
        users = [_user(account) for account in hub.accounts.all("user")]
    if as_json:
        print_json(users)
        return
    columns = ("NAME", "FULL NAME", "EMAIL", "OPERATOR", "SUSPENDED", "CREATED")
    rows = [
        (u["name"], u["fullname"], u["email"] or "", "yes" if u["admin"] else "", u["suspended"] or "", u["createdAt"])
        for u in users
    ]
    print_table(columns, rows, empty="No users yet: evalcommons admin user create NAME")


@user_app.command("suspend")
def suspend_user(
    name: _Name,
    why: Annotated[str, typer.Option("--why", help="The reason; whoever uses the account is told.")],
    data: Data = None,
) -> None:
    """Close an account to its owner, at once and for every token."""
    with opened(data) as hub:
        hub.accounts.suspend(name, why)
    print(f"Suspended {name}: {why}")


@user_app.command("unsuspend")
def unsuspend_user(name: _Name, data: Data = None) -> None:
    """Open a suspended account again."""
    with opened(data) as hub:
        hub.accounts.suspend(name, None)
    print(f"{name} may sign in again.")


@user_app.command("password")
def set_password(name: _Name, data: Data = None) -> None:
    """Set a user's password; it is asked for, or read as a line of the standard input."""
    chosen = _ask_password()
    with opened(data) as hub:
        hub.accounts.set_password(name, chosen)
    print(f"{name} has a new password.")


# --- organisations ----------------------------------------------------------------------------------------------------


@org_app.command("create")
def create_org(
    name: _Name,
    fullname: Annotated[str, typer.Option(help="Name as people write it.")] = "",
    private_by_default: Annotated[
        bool, typer.Option("--private-by-default", help="New repos are private unless asked otherwise.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create an organisation, without members."""
    with opened(data, make=True) as hub:
        account = hub.accounts.create_org(name, fullname=fullname, private_by_default=private_by_default)
    if as_json:
        print_json(_org(account))
        return
    print(f"Created the organisation {account.name}.")
    print(f"To give it a member: evalcommons admin org add {account.name} USER --role admin")


@org_app.command("add")
def add_member(
    org: Annotated[str, typer.Argument(help="Name of the organisation.")],
    user: Annotated[str, typer.Argument(help="Name of the user.")],
    role: Annotated[RoleWord, typer.Option(help="What they may do there.")],
    data: Data = None,
) -> None:
    """Make a user a member of an organisation, or change their role."""
    with opened(data) as hub:
        hub.accounts.set_member(org, user, Role[role.name])
    print(f"{user} is a member of {org} with the role {role}.")


@org_app.command("remove")
def remove_member(
    org: Annotated[str, typer.Argument(help="Name of the organisation.")],
    user: Annotated[str, typer.Argument(help="Name of the user.")],
    data: Data = None,
) -> None:
    """Take a user out of an organisation."""
    with opened(data) as hub:
        hub.accounts.set_member(org, user, None)
    print(f"{user} is not a member of {org}.")


@org_app.command("list")
def list_orgs(data: Data = None, as_json: Json = False) -> None:
    """List the organisations and their members."""
    with opened(data) as hub:
        orgs = [
            {
                **_org(account),
                "members": [{"user": m.user, "role": m.role.label} for m in hub.accounts.members(account.name)],
            }
            for account in hub.accounts.all("org")
        ]
    if as_json:
        print_json(orgs)
        return
    rows = [
        (o["name"], o["fullname"], ", ".join(f"{m['user']} ({m['role']})" for m in o["members"]), o["createdAt"])
        for o in orgs
    ]
    columns = ("NAME", "FULL NAME", "MEMBERS", "CREATED")
    print_table(columns, rows, empty="No organisations yet: evalcommons admin org create NAME")


# --- tokens -----------------------------------------------------------------------------------------------------------


@token_app.command("create")
def create_token(
    user: Annotated[str, typer.Argument(help="Whose token it is.")],
    name: Annotated[str, typer.Option(help="What the user calls it.")] = "default",
    role: Annotated[TokenWord, typer.Option(help="What it is for.")] = TokenWord.WRITE,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="For fine-grained tokens, repeated: model:NS/NAME=write, dataset:…, org:NAME=read, user:…"),
    ] = None,
    token: _TokenText = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create an access token and print it, this once: the hub keeps only its hash."""
    if bool(scope) != (role is TokenWord.FINE_GRAINED):
        raise BadRequest("A fine-grained token needs at least one --scope, and only such a token takes them")
    scopes = tuple(parse_scope(text) for text in scope or ())
    with opened(data) as hub:
        made = hub.accounts.create_token(user, name, _TOKEN_ROLES[role], scopes, value=token)
    if as_json:
        print_json({"user": user, "name": name, "role": role.value, "token": made})
        return
    print(f"Access token {name!r} of {user} (shown this once):")
    print(made)


@token_app.command("list")
def list_tokens(
    user: Annotated[str, typer.Argument(help="Whose tokens.")], data: Data = None, as_json: Json = False
) -> None:
    """List a user's tokens by name; nobody can see their texts again."""
    with opened(data) as hub:
        tokens = [
            {"name": name, "role": role.value, "createdAt": timestamp(at)}
            for name, role, at in hub.accounts.tokens(user)
        ]
    if as_json:
        print_json(tokens)
        return
    rows = [tuple(one.values()) for one in tokens]
    empty = f"{user} has no tokens: evalcommons admin token create {user}"
    print_table(("NAME", "ROLE", "CREATED"), rows, empty=empty)


@token_app.command("revoke")
def revoke_token(
    user: Annotated[str, typer.Argument(help="Whose token it is.")],
    name: Annotated[str, typer.Argument(help="What the user calls it; all of that name are revoked.")],
    data: Data = None,
) -> None:
    """Make a user's tokens of one name useless, at once."""
    with opened(data) as hub:
        count = hub.accounts.revoke_tokens(user, name)
    if not count:
        raise NotFound(f"{user} has no token called {name!r}")
    print(f"Revoked {count} token{'s' if count > 1 else ''} of {user}.")


# --- benchmarks -------------------------------------------------------------------------------------------------------

_Dataset = Annotated[str, typer.Argument(help="The benchmark's dataset, as NAMESPACE/NAME.")]


@benchmark_app.command("approve")
def approve_benchmark(dataset: _Dataset, data: Data = None) -> None:
    """Mark a benchmark as official: it gets the tag benchmark:official."""
    with opened(data) as hub:
        hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=True)
    print(f"{dataset} is an official benchmark.")


@benchmark_app.command("unapprove")
def unapprove_benchmark(dataset: _Dataset, data: Data = None) -> None:
    """Take the mark away; the benchmark and its board stay."""
    with opened(data) as hub:
        hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=False)
    print(f"{dataset} is a community benchmark.")


@benchmark_app.command("list")
def list_benchmarks(data: Data = None, as_json: Json = False) -> None:
    """List the benchmarks: datasets with an eval.yaml."""
    with opened(data) as hub:
        found = [
            {
                "dataset": f"{one.namespace}/{one.repo_name}",
                "name": one.name,
                "framework": one.framework,
                "official": one.official,
                "private": one.private,
                "tasks": one.tasks,
                "rows": one.rows,
            }
            for one in hub.evals.benchmarks(_OPERATOR)
        ]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["dataset"],
            one["name"],
            one["framework"],
            "official" if one["official"] else "community",
            "private" if one["private"] else "public",
            one["tasks"],
            one["rows"],
        )
        for one in found
    ]
    columns = ("DATASET", "NAME", "FRAMEWORK", "STATUS", "SEEN BY", "TASKS", "ROWS")
    print_table(columns, rows, empty="No dataset has a valid eval.yaml yet.")


# --- index and repos --------------------------------------------------------------------------------------------------


@app.command("reindex")
def reindex(data: Data = None, as_json: Json = False) -> None:
    """Build the evaluation index again from the repos.

    What the repos and the states of pull requests say is read anew, and the boards come out the same. The server may
    keep running; writes wait until it is done.
    """
    with opened(data) as hub:
        count = _rebuild(hub, quiet=as_json)
    if as_json:
        print_json({"resultVersions": count})
        return
    print(f"Read {count:,} versions of results.")


@repo_app.command("list")
def list_repos(data: Data = None, as_json: Json = False) -> None:
    """List the repos, private ones included, and their folders."""
    with opened(data) as hub, hub.index.read() as db:
        repos = [_repo(hub, row) for row in db.repos.all()]
    if as_json:
        print_json(repos)
        return
    rows = [(one["kind"], one["id"], "private" if one["private"] else "public", one["path"]) for one in repos]
    print_table(("KIND", "ID", "SEEN BY", "FOLDER"), rows, empty="No repos yet.")


@repo_app.command("path")
def repo_path(
    name: Annotated[str, typer.Argument(help="NAMESPACE/NAME of a model, or datasets/NAMESPACE/NAME.")],
    data: Data = None,
) -> None:
    """Print the folder of a repo: a bare git repository."""
    kind = RepoKind.DATASET if name.startswith("datasets/") else RepoKind.MODEL
    with opened(data) as hub:
        with hub.index.read() as db:
            row = db.repos.find(RepoId.parse(kind, name.removeprefix(kind.prefix)))
        if row is None:
            raise NotFound(f"There is no {kind} {name}")
        print(_repo(hub, row)["path"])


def _rebuild(hub: "Hub", *, quiet: bool) -> int:
    if quiet:
        return hub.indexing.rebuild()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def tell(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=total)
            bar.update(tasks[phase], completed=done, total=total)

        return hub.indexing.rebuild(progress=tell)


def _ask_password() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\n")


def _user(account: "Account") -> dict[str, Any]:
    suspended = account.suspended_at is not None
    return {
        "id": account.uid,
        "name": account.name,
        "fullname": account.fullname,
        "email": account.email,
        "admin": account.is_admin,
        "suspended": (account.suspended_why or "no reason given") if suspended else None,
        "createdAt": timestamp(account.created_at),
    }


def _org(account: "Account") -> dict[str, Any]:
    return {
        "id": account.uid,
        "name": account.name,
        "fullname": account.fullname,
        "privateByDefault": account.private_by_default,
        "createdAt": timestamp(account.created_at),
    }


def _repo(hub: "Hub", row: "RepoRow") -> dict[str, Any]:
    path = hub.repos.git.path(row.uid)
    return {"kind": row.kind.value, "id": str(row.repo_id), "private": row.private, "path": str(Path(path).absolute())}
