"""A repo that was being changed when the process died is named at the next start."""

import subprocess
import sys

import pytest

from evalcommons.storage.journal import Journal


def recovered(folder) -> set[str]:
    found: set[str] = set()
    journal = Journal(folder)
    journal.recover(found.update)
    journal.close()
    return found


def test_a_killed_process_leaves_the_names_of_what_it_was_changing(tmp_path):
    """kill -9 in the middle of a change: the next start is told, and only once."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from evalcommons.storage.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "with journal.changing('done'): pass\n"
        "with journal.changing('half'): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert recovered(tmp_path) == {"half"}
    assert recovered(tmp_path) == set()


def test_what_a_living_process_is_changing_is_left_to_it(tmp_path):
    """Two processes of one hub do not mend each other's work."""
    journal = Journal(tmp_path)
    with journal.changing("mine"):
        assert recovered(tmp_path) == set()
        assert Journal(tmp_path).busy() == {"mine"}
    assert Journal(tmp_path).busy() == set()
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_change_is_settled_at_once(tmp_path):
    """The index is asked to catch up; only if it cannot, the name is left for the next start."""
    journal = Journal(tmp_path)
    settled = []
    journal.after_failure = settled.append
    with pytest.raises(ZeroDivisionError), journal.changing("a"):
        1 / 0  # noqa: B018
    journal.close()
    assert settled == ["a"]
    assert recovered(tmp_path) == set()


def test_a_failure_that_cannot_be_settled_is_left_for_the_next_start(tmp_path, caplog):
    """And the log says so."""
    journal = Journal(tmp_path)
    journal.after_failure = lambda _: 1 / 0
    with pytest.raises(KeyError), journal.changing("a"):
        raise KeyError
    with journal.changing("b"):
        pass
    journal.close()
    assert "a could not be brought up to date" in caplog.text
    assert "a" in recovered(tmp_path)


def test_more_changes_at_once_than_fit_on_a_page_are_all_named(tmp_path):
    """The file grows with them."""
    code = (
        "import contextlib, os, pathlib, signal, sys\n"
        "from evalcommons.storage.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "with contextlib.ExitStack() as stack:\n"
        "    for number in range(1000):\n"
        "        stack.enter_context(journal.changing(f'repo{number}'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert recovered(tmp_path) == {f"repo{number}" for number in range(1000)}
