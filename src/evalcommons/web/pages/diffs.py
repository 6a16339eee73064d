"""A diff taken apart for a page, with an end: somebody may change a million lines."""

import re
from typing import Final, NamedTuple

LINES: Final = 2000
"""Changed lines and their surroundings that one page shows."""
LINE: Final = 500
"""Characters of a line that are shown."""

_NOT_SHOWN: Final = {"Binary": "binary, not shown", "Large": "too large to compare here"}
_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,[0-9]+)? \+([0-9]{1,9})(?:,[0-9]+)? @@")


class Line(NamedTuple):
    """One line.

    kind      add, del, same, or note for what git says between lines
    old, new  its number before and after; 0 where it is not
    """

    kind: str
    old: int
    new: int
    text: str


class FileDiff(NamedTuple):
    """What changed in one file.

    notes           what git says about it: new file, binary …
    added, removed  lines, also those that are not shown
    lines           those that are
    """

    path: str
    notes: list[str]
    added: int
    removed: int
    lines: list[Line]


class Diff(NamedTuple):
    """A whole diff. `left_out`: lines that are not shown."""

    files: list[FileDiff]
    left_out: int


class _File:
    """A file while its part of the diff is read."""

    def __init__(self, header: str) -> None:
        self.path = header.rpartition(" b/")[2] or header
        self.notes: list[str] = []
        self.added = self.removed = 0
        self.lines: list[Line] = []
        self.old = self.new = 0
        self.in_hunk = False

    def head(self, line: str) -> None:
        """A line before the first hunk."""
        if line.startswith(("new file", "deleted file", "old mode", "new mode", "rename ", "Binary", "Large")):
            self.notes.append(_NOT_SHOWN.get(line.partition(" ")[0], line))

    def place(self, old: int, new: int) -> None:
        """A hunk begins at these lines."""
        if self.in_hunk:
            self.lines.append(Line("note", 0, 0, "…"))
        self.old, self.new, self.in_hunk = old, new, True

    def take(self, line: str) -> Line:
        """A line inside a hunk."""
        mark, text = line[:1], line[1:]
        text = text if len(text) <= LINE else f"{text[:LINE]}… ({len(text) - LINE:,} more characters)"
        match mark:
            case "+":
                self.added += 1
                self.new += 1
                return Line("add", 0, self.new - 1, text)
            case "-":
                self.removed += 1
                self.old += 1
                return Line("del", self.old - 1, 0, text)
            case "\\":
                return Line("note", 0, 0, text.strip())
            case _:
                self.old += 1
                self.new += 1
                return Line("same", self.old - 1, self.new - 1, text)


def read(diff: str, most: int = LINES) -> Diff:
    """The files in a unified diff as `git diff` prints it, of which the first `most` lines are kept."""
    files: list[_File] = []
    shown = left_out = 0
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            files.append(_File(line))
            continue
        if not files:
            continue
        file = files[-1]
        hunk = _HUNK.match(line)
        if hunk is not None:
            file.place(int(hunk[1]), int(hunk[2]))
        elif not file.in_hunk:
            file.head(line)
        elif line:
            taken = file.take(line)
            if shown < most:
                file.lines.append(taken)
                shown += 1
            else:
                left_out += 1
    return Diff([FileDiff(f.path, f.notes, f.added, f.removed, f.lines) for f in files], left_out)
