"""Pages in Chromium: light, dark and on a phone, with nothing leaving the machine and nothing in a reader's way."""

import os
from pathlib import Path

import pytest

import page_stories

sync_api = pytest.importorskip("playwright.sync_api")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PAGES = {
    "home": "/",
    "models": "/models",
    "datasets": "/datasets",
    "board": "/datasets/openai/gsm8k",
    "tasks": "/datasets/hf-audio/open-asr?task_id=ls-clean",
    "long-board": "/datasets/mara/arithmetic",
    "reports": "/datasets/openai/gsm8k?all=true",
    "broken": "/datasets/mara/broken",
    "model": "/openai/gpt3-175b-verification",
    "unranked": "/openai/gpt3-6b-finetuning",
    "invalid": "/labs/model-000",
    "hostile": "/labs/hostile",
    "hostile-files": "/labs/hostile/tree/main",
    "one-line": "/labs/hostile/blob/main/one-line.txt",
    "file": "/datasets/openai/gsm8k/blob/main/eval.yaml",
    "commits": "/labs/hostile/commits/main",
    "commit": "/datasets/openai/gsm8k/commit/main",
    "discussions": "/openai/gpt3-175b-verification/discussions?status=all",
    "pull-request": "/openai/gpt3-175b-verification/discussions/1",
    "changes": "/openai/gpt3-175b-verification/discussions/1/files",
    "hostile-talk": "/labs/hostile/discussions/1",
    "organisation": "/openai",
    "user": "/noor",
    "missing": "/nobody",
}
VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "small": (360, "dark")}


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: set CHROMIUM to its path")
    with sync_api.sync_playwright() as player:
        opened = player.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def told(server):
    """The live hub, with something on every page."""
    page_stories.tell(server.hub, rows=105)
    return server


@pytest.fixture(params=VIEWS)
def view(request, browser, told):
    """view(path) -> the page, opened in a window of its own, and what went wrong while it loaded."""
    width, scheme = VIEWS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", base_url=told.url
    )
    page = context.new_page()
    page.view, page.troubles = request.param, []
    page.on("console", lambda said: page.troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(f"{told.url}/") else page.troubles.append(sent.url))
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_in_every_view(view, name, told):
    """No error, no request to another host, no sideways scrolling, nothing serious for who uses a screen reader.

    With PICTURES set to a folder, a picture of each view is kept there.
    """
    answer = view.goto(PAGES[name])
    assert answer.status == (404 if name == "missing" else 200)
    # A page that is missing is an error in the console by itself.
    assert [trouble for trouble in view.troubles if name != "missing" or "404" not in trouble] == []
    assert view.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if view.view != "small":  # the same as on a phone, in the colours of the dark view
        found = axe_api.Axe().run(view)
        serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious] == []
    if folder := os.environ.get("PICTURES"):
        view.screenshot(path=Path(folder) / f"{name}-{view.view}.png", full_page=name != "long-board")


def test_a_reader_with_a_keyboard_reaches_the_content_first(view, told):
    """The first key press offers to skip the head, and what has the focus is seen."""
    view.goto("/datasets/openai/gsm8k")
    view.keyboard.press("Tab")
    skip = view.locator(".skip")
    assert skip.evaluate("element => element === document.activeElement && element.getBoundingClientRect().left >= 0")
    view.keyboard.press("Enter")
    assert view.evaluate("document.activeElement.id") == "main"
    view.keyboard.press("Tab")
    outline = view.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_reader_follows_a_number_to_the_file_it_stands_in(view, told):
    """Board, model, file: three clicks and no script."""
    view.goto("/")
    view.click("text=GSM8K")
    view.click("th[scope=row] a >> nth=0")
    assert view.url.endswith("/openai/gpt3-175b-verification")
    view.click("a.file >> nth=0")
    assert "value: 0.563" in view.inner_text("main")
    view.goto("/datasets/mara/arithmetic")
    view.click("text=show them")
    assert "Models with a base model are shown too" in view.inner_text("main")
    view.click("text=Next rows")
    assert "5 rows of 105" in view.inner_text("main")
    assert view.troubles == []
