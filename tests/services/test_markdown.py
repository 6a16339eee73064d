"""Markdown from strangers: readable, and nothing that acts."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.services.markdown import render


def test_what_people_write_is_shown():
    """Headings, emphasis, tables, code, lists with boxes, links and the repo's own pictures."""
    html = render(
        "# T\n**b** ~~s~~ `c` [l](https://a.example/x) [r](docs/y.md)\n\n| a |\n|--:|\n| 1 |\n\n- [x] done\n\n"
        "![p](./p.png)\n\n```python\nx < 1\n```\n",
        "/alice/tiny/resolve/main/",
    )
    for part in (
        "<h1>T</h1>", "<strong>b</strong>", "<del>s</del>", "<code>c</code>", 'href="https://a.example/x"',
        'href="/alice/tiny/resolve/main/docs/y.md"', '<td align="right">1</td>', 'src="/alice/tiny/resolve/main/p.png"',
        'type="checkbox"', '<code class="language-python">x &lt; 1',
    ):  # fmt: skip
        assert part in html
    assert html.count("<a ") == html.count('rel="nofollow ugc noopener"') == 2


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<a href='javascript:x'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](//evil.example/x)",
        "[x](/\\evil.example)",
        "![x](https://evil.example/pixel.png)",
        "![x](//evil.example/x)",
        "![x](data:image/svg+xml;base64,AAAA)",
        "<iframe src=//evil.example></iframe>",
        "<form action=//evil.example><input name=password></form>",
        "<p style='position:fixed;top:0'>x</p>",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content=0>",
        '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
        '[x](x "onmouseover=alert(1)")',
        "<!--<img src='-->'>",
        "```html onload=x\n<script>\n```",
        "[a]: javascript:x\n[a]",
        "x\0<script>",
    ],
)
def test_nothing_acts(text):
    """No script, frame, form or style, no other site's picture, no address that is not a link."""
    html = render(text, "/base/").lower()
    allowed = r"</?(a|blockquote|br|code|del|em|h[1-6]|hr|img|input|li|ol|p|pre|strong|table|tbody|t[dhr]|thead|ul)\b"
    assert not re.sub(allowed, "", html).count("<")
    assert not re.search(r"<[^>]*\s(on\w+|style|name|action)=", html.replace("&quot;", ""))
    for address in re.findall(r'<(?:a|img)\b[^>]*?(?:href|src)="([^"]*)"', html):
        assert re.match("/[^/]", address)


@pytest.mark.parametrize(
    "text",
    ["> " * 50_000, "+ " * 50_000, "1. " * 50_000, "- > " * 40_000, "[" * 200_000, "*a **a " * 20_000, "![[](" * 40_000,
     "<" * 200_000, "|a" * 60_000 + "\n" + "|-" * 60_000, "`" * 100_001, "x\n" * 2_000_000],
)  # fmt: skip
def test_a_hostile_text_takes_a_moment(text):
    """Nesting, unclosed brackets and sheer size."""
    start = time.perf_counter()
    render(text)
    assert time.perf_counter() - start < 3


def test_a_line_of_dashes_is_a_line():
    """Only nesting is cut: rulers of any length stay."""
    assert render("-" * 80) == "<hr>\n"
    assert "<h2>T</h2>" in render("T\n" + "-" * 80)
    assert render("> " * 20 + "x").count("<blockquote>") == 20


@given(st.text(alphabet="<>[]()!*_`#|&;:/\\\"'= \n\tajsonerrorimgscript", max_size=200))
def test_any_text_renders_to_something_inert(text):
    """Whatever the soup, no tag but ours comes out."""
    html = render(text)
    assert "<script" not in html
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html))
