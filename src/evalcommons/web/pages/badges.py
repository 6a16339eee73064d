"""What the badges on boards and model pages mean, in words: no mark stands without them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from evalcommons.core.evidence import EvidenceLevel


class Badge(NamedTuple):
    """A mark beside a result.

    word     what it shows
    meaning  what was checked, by whom
    """

    word: str
    meaning: str


LEVELS: Final[Mapping[str, Badge]] = {
    level.label: Badge(word, meaning)
    for level, word, meaning in (
        (EvidenceLevel.REPORTED, "reported", "Somebody wrote down this number; nothing more was checked."),
        (EvidenceLevel.SOURCED, "sourced", "The report links to a source; the hub has not checked what it says."),
        (EvidenceLevel.LOGGED, "logged", "The hub recomputed the number from the samples of an attached log."),
        (EvidenceLevel.RESCORED, "rescored", "The hub ran the benchmark's scorers again on the answers in the log."),
        (EvidenceLevel.REPRODUCED, "verified: reproduced", "A trusted runner ran it again, got it, and signed."),
    )
}
"""Evidence level -> its badge, weakest first."""

MARKS: Final[Mapping[str, Badge]] = {
    "author": Badge("author", "Reported by the model's owner: it stands on the main branch of the model's repo."),
    "community": Badge("community", "Reported by somebody in a pull request to the model's repo that is still open."),
}
"""Who reported -> the badge."""
