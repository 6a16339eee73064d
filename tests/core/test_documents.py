"""Documents: what YAML and JSON mean here, where everything stands, and that nothing hangs or raises."""

import json
import math
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evalcommons.core import documents
from evalcommons.core.documents import EVALUATION_FILE, Limits, is_ambiguous, read_json, read_yaml
from evalcommons.core.problems import Code, Severity

PRINTABLE = st.characters(min_codepoint=0x20, exclude_categories=("C", "Z"), exclude_characters="\x7f") | st.just(" ")
# Characters that leave no trace on a page are refused in names, whatever category Unicode gives them.
TEXT = st.text(PRINTABLE, max_size=20).filter(lambda text: not documents._HIDDEN.search(text))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)


def value_of(text, reader=read_yaml):
    document = reader("f", text.encode())
    assert not document.findings.has_errors, document.findings.sorted()
    return document.value


def codes(text, reader=read_yaml, **more):
    data = text if isinstance(text, bytes) else text.encode()
    return [p.code for p in reader("f", data, **more).findings.sorted()]


def first(text, reader=read_yaml):
    problem = reader("f", text if isinstance(text, bytes) else text.encode()).findings.sorted()[0]
    return problem.code, problem.line, problem.column


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("yes", "yes"),
        ("off", "off"),
        ("no", "no"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E-2", -0.015),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-15", "2026-01-15"),
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00Z"),
        (".", "."),
        ("+", "+"),
        ("-.inf", -math.inf),
        ("55%", "55%"),
        ("'no'", "no"),
        ('"12"', "12"),
        ("'~'", "~"),
        ('"2026-01-15"', "2026-01-15"),
    ],
)
def test_scalars_mean_what_the_core_schema_of_yaml_1_2_says(plain, value):
    """Norway is a country, dates are text, and what is quoted is text whatever it looks like."""
    found = value_of(f"a: {plain}\n")["a"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_recognised():
    """Validators refuse it by value, so it must not pass as text."""
    assert math.isnan(value_of("a: .nan")["a"])


@pytest.mark.parametrize("digits", ["9" * 401, "9" * 5_000, "9" * 500_000])
@pytest.mark.parametrize("reader", [read_yaml, read_json])
def test_a_number_of_many_digits_is_infinite_not_an_exception(digits, reader):
    """Python refuses to convert more than 4,300 digits; such a number is no measurement."""
    assert value_of(f"[{digits}, -{digits}]", reader) == [math.inf, -math.inf]


@given(VALUES)
def test_json_is_yaml_and_both_readers_agree(value):
    """A JSON text means the same through either reader."""
    text = json.dumps(value, ensure_ascii=False)
    assert value_of(text) == value
    assert value_of(text, read_json) == value


@given(VALUES)
def test_what_pyyaml_writes_reads_the_same_or_warns(value):
    """A file that PyYAML wrote means what its writer meant; where YAML 1.1 and 1.2 differ there is a warning."""
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10_000)
    if "&" in text or "<<" in text or " =" in text:
        return
    document = read_yaml("f", text.encode())
    if not document.findings.has_errors and not document.findings.sorted():
        assert document.value == value or _holds_1_2_number(value)


def _holds_1_2_number(value):
    """Text that only YAML 1.2 sees as a number (1e3, 0o7): PyYAML writes it without quotes."""
    if isinstance(value, dict):
        return any(_holds_1_2_number(v) for v in (*value, *value.values()))
    if isinstance(value, list):
        return any(_holds_1_2_number(v) for v in value)
    return isinstance(value, str) and not isinstance(value_of(f"- {value}")[0], str)


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off", "1_000", "12:30", "0b11", "="])
def test_words_that_yaml_1_1_readers_take_for_something_else_are_warned_about(word):
    """PyYAML reads `no` as false; the file would mean two things."""
    assert codes(f"a: {word}") == [Code.AMBIGUOUS_TEXT]
    assert codes(f"a: '{word}'") == []
    assert is_ambiguous(word)
    assert yaml.safe_load(f"a: '{word}'")["a"] != word or not isinstance(_pyyaml(word), str)


def _pyyaml(word):
    try:
        return yaml.safe_load(word)
    except yaml.YAMLError:
        return None


@pytest.mark.parametrize("number", ["1e3", "017", "0o17", "1e-5", "1E5"])
def test_numbers_that_yaml_1_1_readers_see_otherwise_are_warned_about(number):
    """1e3 is a number for us and text for PyYAML."""
    assert codes(f"a: {number}") == [Code.AMBIGUOUS_NUMBER]
    assert _pyyaml(number) != value_of(f"a: {number}")["a"]


def test_unquoted_dates_are_warned_about():
    """Readers make date objects of them, which JSON cannot hold."""
    assert codes("date: 2026-01-15\nb: 2026-01-15 10:00:00\nc: '2026-01-15'\n") == [Code.UNQUOTED_DATE] * 2


# --- places ----------------------------------------------------------------------------------------------------------


def test_every_part_of_a_yaml_file_has_its_line_and_column():
    """Lines and columns count from 1; columns count characters, not bytes."""
    document = read_yaml("f", "äö: ü\nlist:\n  - a\n  - b: {c: 'd'}\n".encode())
    assert document.position() == (1, 1)
    assert document.key_position(("äö",)) == (1, 1)
    assert document.position(("äö",)) == (1, 5)
    assert document.position(("list",)) == (3, 3)
    assert document.position(("list", 0)) == (3, 5)
    assert document.position(("list", 1)) == (4, 5)
    assert document.key_position(("list", 1, "b", "c")) == (4, 9)
    assert document.position(("list", 1, "b", "c")) == (4, 12)


def test_a_byte_order_mark_shifts_nothing():
    """Windows editors write one; the first column is still 1."""
    for reader, text in ((read_yaml, "a: 1"), (read_json, '{"a": 1}')):
        document = reader("f", b"\xef\xbb\xbf" + text.encode())
        assert document.value == {"a": 1}
        assert document.position() == (1, 1)


def _paths(value, path=()):
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


@given(VALUES, st.sampled_from([None, 0, 1, 3]))
def test_positions_point_at_the_text_of_the_value(value, indent):
    """Whatever stands in the file, the place we name is where it starts."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    lines = text.split("\n")
    for reader in (read_yaml, read_json):
        document = reader("f", text.encode())
        for path, item in _paths(value):
            line, column = document.position(path)
            expected = json.dumps(item, ensure_ascii=False)
            expected = expected[0] if isinstance(item, dict | list) else expected
            assert lines[line - 1][column - 1 :].startswith(expected)
            if path and isinstance(path[-1], str):
                line, column = document.key_position(path)
                assert lines[line - 1][column - 1 :].startswith(json.dumps(path[-1], ensure_ascii=False))


def test_a_scalar_remembers_how_it_was_written():
    """Hints can repeat the writer's own words."""
    document = read_yaml("f", b"a: 1.50\nb: '1.50'\nc: []\n")
    assert document.written(("a",)) == ("1.50", True)
    assert document.written(("b",)) == ("1.50", False)
    assert document.written(("c",)) == ("", False)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2", 1, 4),
        ("a: 1\n\tb: 2\n", 2, 1),
        ("a: b: c\n", 1, 5),
        ("b: 1\na: 'x\n", 2, 4),
        ("a: 1\n b: 2\n", 2, 3),
        ("- a\nb\n", 2, 1),
        ("a\x00b", 1, 2),
        ("ok: 1\nb: \x07", 2, 4),
        ("ok: 1\nä: \x07", 2, 4),
    ],
)
def test_syntax_errors_have_a_place(text, line, column):
    """A typo is found where the reader noticed it; what is opened and never closed, where it was opened."""
    assert first(text) == (Code.SYNTAX, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ('{\n "a": 1,\n}', 3, 1),
        ("[1, NaN]", 1, 5),
        ('{"a":\n [-Infinity]}', 2, 3),
        ("// no\n{}", 1, 1),
        ("[] x", 1, 4),
    ],
)
def test_json_must_be_json(text, line, column):
    """Comments, trailing commas and NaN are YAML or JavaScript, not JSON."""
    assert first(text, read_json) == (Code.SYNTAX, line, column)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Code.EMPTY),
        ("# only a comment\n", Code.EMPTY),
        (" \n\n", Code.EMPTY),
        ("a: 1\n---\nb: 2\n", Code.SECOND_DOCUMENT),
        ("a: &x 1\n", Code.ANCHOR),
        ("&x a: 1\n", Code.ANCHOR),
        ("a: *x\n", Code.ALIAS),
        ("? *x\n: 1", Code.ALIAS),
        ("a: !!python/object/apply:os.system [id]\n", Code.TAG),
        ("a: !!str 1\n", Code.TAG),
        ("a: !local 1\n", Code.TAG),
        ("<<: {a: 1}\n", Code.MERGE_KEY),
        ("a: 1\nb: 2\na: 3\n", Code.DUPLICATE_KEY),
        ('"a": 1\na: 3\n', Code.DUPLICATE_KEY),
        ("{[a]: 1}", Code.KEY_NOT_TEXT),
        ("? {a: 1}\n: 2\n", Code.KEY_NOT_TEXT),
        ("\ufeffa: 1".encode("utf-16"), Code.NOT_UTF8),
        (b"a: \xff", Code.NOT_UTF8),
        (b"a: \xed\xa0\x80", Code.NOT_UTF8),
    ],
)
def test_what_yaml_allows_and_nobody_needs_is_refused(text, code):
    """Anchors, tags, merge and duplicate keys are where readers disagree and attacks live."""
    assert codes(text)[0] == code


def test_a_quoted_merge_sign_is_a_key_like_any_other():
    """Only the plain `<<` merges."""
    assert value_of("'<<': 1") == {"<<": 1}


def test_a_repeated_key_in_json_is_refused_at_its_second_place():
    """Readers disagree on which one counts."""
    assert first('{"b": 1,\n "a": {"x": 1, "\\u0078": 2}}', read_json) == (Code.DUPLICATE_KEY, 2, 16)


def test_not_utf8_names_the_byte_and_its_place():
    """The place is where decoding stopped."""
    assert first(b"a: 1\nb: caf\xe9\n") == (Code.NOT_UTF8, 2, 7)


@pytest.mark.parametrize("reader", [read_yaml, read_json])
def test_depth_values_and_bytes_have_limits(reader):
    """A document costs no more than was agreed."""
    limits = Limits(size_bytes=1_000, depth=3, values=20)
    assert codes("[[[1]]]", reader, limits=limits) == []
    assert codes("[[[[1]]]]", reader, limits=limits) == [Code.TOO_DEEP]
    assert codes("[" + "1," * 30 + "1]", reader, limits=limits) == [Code.TOO_MANY_VALUES]
    assert codes("[" + " " * 999 + "1]", reader, limits=limits) == [Code.TOO_LARGE]


MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)
ALIAS_BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
HOSTILE = {
    "merge-key bomb": MERGE_BOMB,
    "alias bomb": ALIAS_BOMB,
    "deep flow lists": "[" * 1_000_000,
    "deep flow mappings": "{a: " * 250_000,
    "deep block lists": "- " * 500_000,
    "deep explicit keys": "? " * 500_000,
    "many anchors": "&a " * 300_000,
    "many tags": "- !!str x\n" * 100_000,
    "many duplicate keys": "a: 1\n" * 200_000,
    "long scalar": "x" * 1_000_000,
    "long quoted scalar": '"' + "x" * 1_000_000 + '"',
    "many escapes": '"' + "\\n" * 500_000 + '"',
    "open quote": '"' + "\n" * 1_000_000,
    "long number": "1" * 1_000_000,
    "long fraction": "0." + "1" * 1_000_000,
    "long exponent": "1e" + "1" * 1_000_000,
    "nearly a number": "1" * 1_000_000 + "x",
    "nearly a date": "2026-01-15 " + ":" * 1_000_000 + "x",
    "nearly a time": "1" + ":59" * 300_000 + "x",
    "nearly 1.1 digits": "1_" * 500_000 + "x",
    "comments": "#" * 1_000_000,
    "block scalar of blanks": "|\n" + " \n" * 500_000,
    "colons": ": " * 500_000,
    "many small values": "[" + "1," * 500_000 + "1]",
    "one line of keys": "{" + "".join(f"k{n}: 1, " for n in range(80_000)) + "}",
    "many documents": "---\n" * 250_000,
    "commas": "[" + "," * 1_000_000,
    "tabs": "\t" * 1_000_000,
    "long tag": "!<" + "a" * 1_000_000,
    "directive": "%YAML " + "1" * 1_000_000,
    "invisible": "\u200b" * 300_000,
    "line ends": "a: |\n" + "\r\n" * 400_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("reader", [read_yaml, read_json])
def test_hostile_documents_end_in_time(name, reader):
    """Each is refused or read, in a time that grows with its size and not faster."""
    data = HOSTILE[name].encode()[: EVALUATION_FILE.size_bytes]
    start = time.process_time()
    reader("f", data).findings.sorted()
    assert time.process_time() - start < 3, name


@pytest.mark.parametrize("bomb", [MERGE_BOMB, ALIAS_BOMB])
def test_bombs_are_refused_for_what_they_are(bomb):
    """The message names the anchor or alias, not a time-out."""
    assert codes(bomb)[0] == Code.ANCHOR


@pytest.mark.parametrize("reader", [read_yaml, read_json])
def test_a_hundred_megabytes_are_refused_by_size(reader):
    """Nothing of it is parsed, or even decoded."""
    data = b"a: 1\n" * 20_000_000
    start = time.process_time()
    assert codes(data, reader) == [Code.TOO_LARGE]
    assert time.process_time() - start < 0.1


# --- invisible characters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point", [0x200B, 0x200D, 0x202E, 0x2066, 0xFEFF, 0xAD, 0x2028, 0xE0041, 0x7F, 0x1B, 0, 0x3164]
)
def test_invisible_characters_in_names_are_errors(point):
    """Two ids that look the same must be the same: a disguise is refused in keys and values alike."""
    escape = f"\\U{point:08x}"
    assert codes(f'task_id: "ma{escape}in"') == [Code.HIDDEN_CHARACTER]
    assert codes(f'"task{escape}": 1') == [Code.HIDDEN_CHARACTER]
    text = json.dumps({"task_id": f"ma{chr(point)}in"})
    assert codes(text, read_json) == [Code.HIDDEN_CHARACTER]
    assert codes(json.dumps({f"k{chr(point)}": 1}), read_json) == [Code.HIDDEN_CHARACTER]


def test_invisible_characters_in_notes_are_warnings():
    """Free text may hold what its writer pasted; it is shown, and said."""
    for reader in (read_yaml, read_json):
        problems = reader("f", '{"notes": ["a\u202eb"]}'.encode()).findings.sorted()
        assert [(p.code, p.severity) for p in problems] == [(Code.HIDDEN_CHARACTER, Severity.WARNING)]


def test_controls_are_errors_even_in_notes():
    """NUL and escape sequences can be neither stored nor shown."""
    assert read_yaml("f", b'notes: "a\\0b"').findings.has_errors
    assert read_yaml("f", b'notes: "a\\eb"').findings.has_errors
    assert read_json("f", b'{"notes": "a\\u0000b"}').findings.has_errors


def test_persian_and_emoji_are_written_with_joiners():
    """Invisible letters that belong to a script are text."""
    notes = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d🔬 ❤\ufe0f"
    assert codes(f'notes: "{notes}"') == []
    assert codes(json.dumps({"notes": notes}), read_json) == []


def test_lone_surrogates_in_json_are_errors_and_pairs_are_characters():
    """A lone one cannot be encoded again; a pair is how JSON writes an emoji."""
    assert codes('{"notes": "\\ud800"}', read_json) == [Code.HIDDEN_CHARACTER]
    assert codes('{"a": "\\ud83d\\ude00"}', read_json) == []
    assert value_of('"\\ud83d\\ude00"', read_json) == "😀"


# --- anything --------------------------------------------------------------------------------------------------------

YAML_PIECES = st.sampled_from(
    [
        *"a b : - ? [ ] { } , & * ! | > ' # % @ ` ~ << --- ... 1 1e3 .nan null yes 2026-01-15 é".split(),
        *('"', "\\x", "\u202e", "\n", "\t", "\n  ", "\n- ", ": ", "- ", " "),
    ]
)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.lists(YAML_PIECES, max_size=40).map(lambda parts: "".join(parts).encode()))
def test_no_bytes_make_a_reader_raise(data):
    """Whatever is pushed, the answer is a value or a list of problems with places inside the file."""
    for reader in (read_yaml, read_json):
        document = reader("f", data)
        problems = document.findings.sorted()
        assert document.is_read or any(p.severity is Severity.ERROR for p in problems)
        lines = len(data.decode("utf-8", "replace").splitlines()) + 1
        assert all(1 <= p.line <= lines and p.column >= 1 and p.message for p in problems)
        for path, _ in _paths(document.value) if document.is_read else ():
            document.position(path)
