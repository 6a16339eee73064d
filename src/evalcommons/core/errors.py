"""What can go wrong, in six families; the doors turn a family into a status or an exit code."""

from collections.abc import Sequence

from evalcommons.core.problems import Problem, show


class EvalCommonsError(Exception):
    """Anything evalcommons refuses to do, with a message for the person who asked.

    code  what clients switch on (`X-Error-Code`); empty where the Hub sends none
    """

    code = ""

    @property
    def message(self) -> str:
        """The sentence for the person."""
        return str(self)


class NotSignedIn(EvalCommonsError):
    """Nobody, or nobody we know, asks for something that needs an account."""


class Forbidden(EvalCommonsError):
    """We know who asks, and they may not."""


class NotFound(EvalCommonsError):
    """It does not exist, or it is hidden from the person asking."""


class Conflict(EvalCommonsError):
    """Something else was there first."""


class Invalid(EvalCommonsError):
    """What was sent breaks a rule; the message says which."""


class Unavailable(EvalCommonsError):
    """The hub cannot do it now; trying again later may work."""


class BadToken(NotSignedIn):
    """The credentials sent are not, or no longer, valid."""

    def __init__(self, why: str = "Invalid credentials in Authorization header") -> None:
        super().__init__(why)


class InvalidName(Invalid):
    """A name that no repo or account can have."""


class InvalidPath(Invalid):
    """A path that no file in a repo can have.

    path  as it was sent
    """

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"The path {show(path, 200)} cannot be used: {rule}")
        self.path = path


class BadRequest(Invalid):
    """A request that cannot be understood or carried out as it is."""


class TooLarge(Invalid):
    """More bytes than the hub takes in this place."""


class RangeNotSatisfiable(Invalid):
    """A byte range that starts past the end.

    size  bytes of the whole file
    """

    def __init__(self, size: int) -> None:
        super().__init__(f"the range starts past the end of a file of {size} bytes")
        self.size = size


class Refused(Invalid):
    """Evaluation files that do not validate; nothing was written.

    problems  every problem found, errors and warnings, in file order
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("Evaluation files were refused:\n" + "\n".join(p.text() for p in self.problems))


class RepoNotFound(NotFound):
    """No such repo, or it is hidden from the person asking.

    anonymous  nobody is signed in, so that the answer must ask for credentials
    """

    code = "RepoNotFound"

    def __init__(self, kind: str, repo_id: object, *, anonymous: bool = False) -> None:
        super().__init__(f"Repository not found: there is no {kind} {repo_id} that you may read")
        self.anonymous = anonymous


class RevisionNotFound(NotFound):
    """The repo has no such branch, tag, pull request or commit."""

    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(f"Invalid rev id: {revision}")


class EntryNotFound(NotFound):
    """The revision has no such file or folder.

    commit  the commit that was looked at, so that clients may cache the absence
    """

    code = "EntryNotFound"

    def __init__(self, path: str, commit: str = "", message: str = "") -> None:
        super().__init__(message or f"Entry not found: {path}")
        self.commit = commit


class GatedRepo(Forbidden):
    """A gated repo, and the person asking is not on its list."""

    code = "GatedRepo"

    def __init__(self, kind: str, repo_id: object, *, anonymous: bool) -> None:
        super().__init__(
            f"Access to {kind} {repo_id} is restricted and you are not in the authorized list. "
            + ("Sign in, then ask for access on its page." if anonymous else "Ask for access on its page.")
        )
        self.anonymous = anonymous


class DisabledAccount(Forbidden):
    """The account is suspended."""


class StaleParent(Conflict):
    """The branch moved since the client looked."""

    def __init__(self) -> None:
        super().__init__("The branch was updated since you opened this page. Please refresh and try again.")


class AlreadyExists(Conflict):
    """The name is taken.

    url  where the thing that has it lives, below the hub's base; empty if it has no page
    """

    def __init__(self, message: str, url: str = "") -> None:
        super().__init__(message)
        self.url = url


class NotSupported(EvalCommonsError):
    """A call of the Hub that this hub leaves out."""


class RepoMoved(EvalCommonsError):
    """The repo lives under another id now.

    old, new  ids written `namespace/name`
    """

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"{old} has moved to {new}")
        self.old = old
        self.new = new
