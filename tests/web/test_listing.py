"""Lists over HTTP: filters, pages, properties."""

import pytest


@pytest.fixture
def models(make_repo, commit_files):
    for number in range(5):
        card = f"---\nlicense: mit\npipeline_tag: text-generation\nnum_parameters: {number + 1}B\n---\n"
        commit_files(make_repo(f"alice/m{number}"), {"README.md": card.encode()})


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()]


def test_the_next_page_is_an_absolute_address_with_the_whole_query(client, models):
    """Clients follow it as it stands; the last page has none."""
    get = client().get
    answer = get("/api/models?filter=license%3Amit&limit=2&sort=createdAt&full=true")
    found = ids(answer)
    pages = 1
    while "Link" in answer.headers:
        link = answer.headers["Link"]
        assert link.startswith(
            "<http://hub.test/api/models?filter=license%3Amit&limit=2&sort=createdAt&full=true&cursor="
        )
        assert link.endswith('>; rel="next"')
        answer = get(link[1:].partition(">")[0])
        found += ids(answer)
        pages += 1
    assert found == ["alice/m4", "alice/m3", "alice/m2", "alice/m1", "alice/m0"]
    assert pages == 3


def test_filters_arrive_repeated_and_encoded(client, models, make_repo, commit_files):
    """As the clients write them."""
    row = make_repo("alice/d", "dataset")
    commit_files(
        row, {"README.md": b"---\nsize_categories: ['100K<n<1M']\ntask_categories: [question-answering]\n---\n"}
    )
    get = client().get
    query = "filter=size_categories%3A100K%3Cn%3C1M&filter=task_categories%3Aquestion-answering"
    assert ids(get(f"/api/datasets?{query}")) == ["alice/d"]
    assert ids(get("/api/models?num_parameters=min%3A2B%2Cmax%3A3B&sort=createdAt&direction=1")) == [
        "alice/m1",
        "alice/m2",
    ]
    assert ids(get("/api/models?num_parameters=min:4.5B")) == ["alice/m4"]
    assert len(ids(get("/api/models?pipeline_tag=text-generation&search=m&search=ALICE&author=alice&gated=False"))) == 5
    assert ids(get("/api/models?pipeline_tag=fill-mask")) == []
    assert ids(get("/api/models?gated=true")) == ids(get("/api/spaces?search=x")) == []


def test_items_carry_what_was_asked_for(client, models):
    """No cardData without asking; a trending score when sorting by it; with expand only that."""
    get = client().get
    short = get("/api/models").json()[0]
    assert {"_id", "id", "modelId", "tags", "private", "likes", "downloads", "createdAt"} <= short.keys()
    assert not {"cardData", "siblings", "config"} & short.keys()
    assert "siblings" in get("/api/models?full=true").json()[0]
    assert get("/api/models?cardData=true").json()[0]["cardData"]["license"] == "mit"
    assert "trendingScore" in get("/api/models?sort=trendingScore").json()[0]
    assert get("/api/models?expand=evalResults").json()[0].keys() == {"_id", "id", "evalResults"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("sort=fame", 400),
        ("direction=2", 400),
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=many", 400),
        ("gated=perhaps", 400),
        ("expand=secrets", 400),
        ("num_parameters=7B", 400),
        ("num_parameters=min:lots", 400),
        ("cursor=nonsense", 400),
        ("search=%00", 400),
        ("filter=a%00b", 400),
        ("author=alice%00", 400),
        ("inference=warm", 501),
        ("apps=vllm", 501),
        ("&".join(f"filter={n}" for n in range(51)), 400),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_so(client, query, status):
    """With a sentence, never a crash and never a guess."""
    answer = client().get(f"/api/models?{query}")
    assert answer.status_code == status
    assert len(answer.json()["error"]) > 10


def test_strange_texts_find_nothing(client, models):
    """Quotes, wildcards and surrogates are letters like others."""
    for text in ("'%20OR%201=1", "%25", "_", "%ED%A0%80", "%F0%9F%A4%97"):
        for name in ("search", "filter", "author"):
            assert ids(client().get(f"/api/models?{name}={text}")) == []


def test_private_repos_are_listed_for_their_owner_only(client, make_user, make_repo):
    """In no list, search or filter of anybody else."""
    _, token = make_user("alice")
    _, other = make_user("bob")
    make_repo("alice/secret", private=True)
    for query in ("", "?search=secret", "?author=alice", "?sort=likes&full=true"):
        assert ids(client(token).get(f"/api/models{query}")) == ["alice/secret"]
        assert ids(client(other).get(f"/api/models{query}")) == ids(client().get(f"/api/models{query}")) == []
