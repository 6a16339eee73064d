"""Names, and which texts are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.errors import InvalidName
from evalcommons.core.ids import (
    RepoId,
    RepoKind,
    check_account_name,
    check_repo_name,
    is_commit,
    may_be_commit,
    pull_number,
    pull_ref,
)


@pytest.mark.parametrize("name", ["a", "tiny", "Llama-3.1-8B", "x_y", "a.b-c_d", "0", "a" * 96, "a_", "GSM8k"])
def test_names_of_the_hub_are_names_here(name):
    """What people call their repos there works here."""
    check_repo_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "-a", "a-", "a.", ".a", "_a", "a--b", "a..b", "a/b", "a b", "a" * 97, "x.git"),
        *("ä", "a\n", "a\0", "\u202ea", "a\u200b", "refs\\heads", "a%2Fb"),
    ],
)
def test_what_would_break_addresses_or_folders_is_no_name(name):
    """Traversal, look-alikes, git's own suffix and the Hub's rules."""
    with pytest.raises(InvalidName, match="cannot be used as a name"):
        check_repo_name(name)


@pytest.mark.parametrize("text", ["", "a", "/a", "a/", "a/b/c", "a/../b", "../a", "a//b"])
def test_an_id_is_a_namespace_and_a_name(text):
    """Anything else is refused with the form it should have."""
    with pytest.raises(InvalidName):
        RepoId.parse(RepoKind.MODEL, text)


def test_an_id_keeps_its_letters_and_is_unique_without_case():
    """Shown as written, found whatever the case."""
    one, other = (RepoId.parse(RepoKind.DATASET, text) for text in ("OpenAI/GSM8k", "openai/gsm8k"))
    assert (str(one), one.path) == ("OpenAI/GSM8k", "datasets/OpenAI/GSM8k")
    assert one != other
    assert one.key == other.key
    assert RepoId.parse(RepoKind.MODEL, "a/b").path == "a/b"


@given(st.text(max_size=120))
def test_what_passes_as_a_name_is_safe_in_paths_and_addresses(text):
    """Whatever the text: a name has no separator, no control character, no escape, and is not a dot folder."""
    try:
        check_repo_name(text)
    except InvalidName:
        return
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set("/\\%?#: ")
    assert text not in (".", "..")
    assert len(text) <= 96


@given(st.text(max_size=60))
def test_every_account_name_is_also_a_namespace(text):
    """Whoever can sign up can own repos."""
    try:
        check_account_name(text)
    except InvalidName:
        return
    check_repo_name(text)


def test_commit_ids_are_told_from_names():
    """Forty lower-case digits are a commit; seven to forty may be the start of one."""
    assert is_commit("a" * 40)
    assert not is_commit("A" * 40)
    assert not is_commit("a" * 39)
    assert may_be_commit("abc1234")
    assert not may_be_commit("abc123")
    assert not may_be_commit("main")


@pytest.mark.parametrize("ref", ["refs/pr/0", "refs/pr/01", "refs/pr/x", "refs/pr/", "refs/pr/1/head", "refs/heads/1"])
def test_other_refs_are_no_pull_requests(ref):
    """Only refs/pr/N, with N as people write it."""
    assert pull_number(ref) is None


def test_a_pull_request_s_ref_leads_back_to_its_number():
    """There and back."""
    assert [pull_number(pull_ref(n)) for n in (1, 7, 123456789)] == [1, 7, 123456789]
