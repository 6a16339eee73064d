"""Which versions of results begin and end when a revision changes."""

from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.evidence import Evidence
from evalcommons.core.reports import Moment, Standing, reports_of, result_uid
from evalcommons.core.results import ResultEntry, Source


def moment(at: int) -> Moment:
    return Moment(f"c{at}", "alice", at)


def test_a_changed_number_ends_one_version_and_begins_another():
    """Git keeps what changed; so does the history of a result."""
    standing = Standing()
    standing.show({"k": 0.5}, moment(1), "removed")
    standing.show({"k": 0.6}, moment(2), "removed")
    assert [(v.content, v.from_at, v.until_at, v.until_why) for v in standing.begun] == [
        (0.5, 1, 2, "replaced by a new version"),
        (0.6, 2, None, None),
    ]


def test_an_unchanged_number_keeps_its_version():
    """A push that does not touch a result does not make it younger."""
    standing = Standing()
    standing.show({"k": 0.5}, moment(1), "removed")
    standing.show({"k": 0.5, "m": 0.1}, moment(2), "removed")
    assert standing.versions["k"].from_at == 1
    assert not standing.ended


def test_only_keys_that_can_have_changed_are_looked_at():
    """What is in another file stays, although this change does not mention it."""
    standing = Standing()
    standing.show({"a": 1, "b": 2}, moment(1), "removed")
    standing.show({}, moment(2), "removed", among=["a"])
    assert set(standing.versions) == {"b"}
    assert standing.ended[0].until_why == "removed"


def test_time_never_runs_backwards_in_a_version():
    """A clock that was set back must not end a version before it began."""
    standing = Standing()
    standing.show({"k": 1}, moment(10), "removed")
    standing.end_all(5, "closed")
    assert standing.ended[0].until_at == 10


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)), max_size=8))
def test_what_stands_is_always_what_was_shown_last(history):
    """Folding any history ends with the newest revision's reports, and nothing is lost on the way."""
    standing = Standing()
    for at, contents in enumerate(history):
        standing.show(contents, moment(at), "removed")
    last = history[-1] if history else {}
    assert {key: version.content for key, version in standing.versions.items()} == last
    assert len(standing.begun) == len(standing.ended) + len(standing.versions)


def test_entries_of_one_task_are_told_apart_by_their_order():
    """The same benchmark and task twice in a file: two results, each with its own id."""
    entries = [ResultEntry("A/b", "t", 0.5, notes="x"), ResultEntry("a/B", "t", 0.6)]
    first, second = reports_of("f.yaml", entries, [None, None])
    assert (first.ordinal, second.ordinal) == (0, 1)
    assert result_uid("r", 0, first.key) != result_uid("r", 0, second.key)
    assert first.key.dataset_key == "a/b"


def test_a_report_keeps_source_and_evidence_as_json():
    """What stands behind a number is kept beside it, without empty fields."""
    entry = ResultEntry("a/b", "t", 1, source=Source("https://example.org", name="log"))
    (found,) = reports_of("f.yaml", [entry], [Evidence("a/b", "t", n=10)])
    assert found.source == '{"url":"https://example.org","name":"log"}'
    assert found.evidence == '{"dataset":{"id":"a/b","task_id":"t"},"n":10}'
    assert found.level == 1
