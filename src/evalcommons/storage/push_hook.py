"""The hook through which git asks the hub whether a push may land."""

import os
from pathlib import Path

ASK = "EVALCOMMONS_ASK"
"""Number of the descriptor on which the hook asks."""
TOLD = "EVALCOMMONS_TOLD"
"""Number of the descriptor on which it is told."""
END = "EVALCOMMONS_END"
"""The line that ends its question: nobody who pushes can know it, so that no ref's name can end the list early."""

YES = "yes"

_HOOK = f"""\
#!/bin/sh
# Written by evalcommons at each start. Asks the server, which started git, whether this push may land: the
# quarantine's path and the ref updates go out on one descriptor, lines for the person and the verdict come back on
# another. Without an answer the push is refused.
test -n "${ASK}" && test -n "${TOLD}" || {{ echo "This repo is pushed to through its hub only." >&2; exit 1; }}
{{ printf '%s\\n' "${{GIT_QUARANTINE_PATH-}}" && cat && printf '%s\\n' "${END}"; }} >"/dev/fd/${ASK}" || exit 1
while IFS= read -r line; do
  case $line in
    " "*) printf '%s\\n' "${{line# }}" >&2 ;;
    {YES}) exit 0 ;;
  esac
done <"/dev/fd/${TOLD}"
exit 1
"""


def install(folder: Path) -> Path:
    """Write the hook below `folder`; returns the folder, for git's `core.hooksPath`."""
    folder.mkdir(parents=True, exist_ok=True)
    hook = folder / "pre-receive"
    if not hook.exists() or hook.read_text() != _HOOK or not os.access(hook, os.X_OK):
        made = hook.with_name(f"{hook.name}.{os.getpid()}")
        made.write_text(_HOOK)
        made.chmod(0o755)
        made.replace(hook)
    return folder


def can_run(folder: Path) -> bool:
    """Would git run the hook? It skips one that the file system does not let it execute."""
    return os.access(folder / "pre-receive", os.X_OK)
