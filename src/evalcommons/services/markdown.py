"""Markdown from strangers as HTML that can do nothing but be read."""

import re

import cmarkgfm
import nh3
from cmarkgfm.cmark import Options

MAX_MARKDOWN = 262_144
"""Characters that are rendered; what follows is left out with a note."""
ID_PREFIX = "user-content-"
"""What stands before the target of every link within the page, so that none meets an id of the page around it."""

_OPTIONS = Options.CMARK_OPT_VALIDATE_UTF8 | Options.CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE
_EXTENSIONS = ["table", "strikethrough", "autolink", "tasklist"]
_TAGS = frozenset(
    (
        "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr img input li ol p pre strong table tbody td th thead tr ul"
    ).split()
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"src", "alt", "title"},
    "input": {"checked"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_FIXED = {"input": {"type": "checkbox", "disabled": ""}, "img": {"loading": "lazy"}}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ALLOWED = ("http://", "https://", "mailto:")
_LANGUAGE = re.compile(r"language-[A-Za-z0-9_+#-]{1,40}")
# Quotes and lists that one line nests 50,000 deep keep the HTML parser busy for a minute; nobody reads the 51st.
_DEEP = re.compile(r"^(?=(?:[ \t]*(?:>|\+|[0-9]{1,9}[.)]|[-*](?=[ \t]))){51})", re.MULTILINE)


def render(text: str, base: str = "") -> str:
    """The Markdown as HTML.

    Raw HTML is left out, its text stays. Links lead to http(s), mailto or within the hub, and tell search engines not
    to follow; images come from the hub itself, of others the description stays.

    base  address of the folder that relative addresses start from, with a slash at the end; "" leaves them as they are
    """
    if len(text) > MAX_MARKDOWN:
        text = text[:MAX_MARKDOWN] + "\n\n*(This text goes on; open the file to read all of it.)*\n"
    text = _DEEP.sub(r"\\", text.replace("\0", ""))
    html = cmarkgfm.markdown_to_html_with_extensions(text, _OPTIONS, _EXTENSIONS)

    def attribute(tag: str, name: str, value: str) -> str | None:
        match tag, name:
            case "a", "href":
                return _link(value.strip(), base)
            case "img", "src":
                return _local(value.strip(), base)
            case "code", "class":
                return value if _LANGUAGE.fullmatch(value) else None
            case _:
                return value

    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        set_tag_attribute_values=_FIXED,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
    )


def _link(value: str, base: str) -> str | None:
    if value.startswith("#"):
        return f"#{ID_PREFIX}{value[1:]}"
    if _SCHEME.match(value):
        return value if value.lower().startswith(_ALLOWED) else None
    return _local(value, base)


def _local(value: str, base: str) -> str | None:
    """The address, if it leads to this hub: without a scheme, and not to another host, as `//host` would."""
    leaves = not value or _SCHEME.match(value) or value.startswith("//")
    if leaves or any(c == "\\" or c < " " for c in value):
        return None
    return value if value[0] in "/#?" else base + value.removeprefix("./")
