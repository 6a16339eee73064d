"""The code blocks of a page of the docs, and running them as a reader would."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def runnable(page: Path) -> list[tuple[str, str]]:
    """Language and text of the blocks marked `run`."""
    return [(block[1], block[3]) for block in BLOCK.finditer(page.read_text()) if "run" in block[2].split()]


def run_page(page: Path, folder: Path, env: Mapping[str, str]) -> list[str]:
    """What each block marked `run` prints, one after the other, each in a fresh shell in `folder`; all must succeed."""
    printed = []
    for language, text in runnable(page):
        command = (
            [sys.executable, "-W", "error", "-c", text]
            if language == "python"
            else ["bash", "-euo", "pipefail", "-c", text]
        )
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        printed.append(done.stdout)
    return printed
