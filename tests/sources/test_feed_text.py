"""The rough edge: bytes to text, JSON, HTML to plain text, times, provider words."""

from __future__ import annotations

import codecs
import html
import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.observation import TEXT_MAX_CHARS
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.reading.text import clip, decode, fingerprint, ident, line, load_json, plain, web_link
from bot.sources.reading.times import iso, when
from bot.sources.reading.vocabulary import impact_of, stated_status, status_of, without_label
from tests.corpus import needs_corpus, recorded
from tests.sources.feedkit import body_of

FOLDERS = (
    *(
        "statuspage-history-atom",
        "statuspage-history-rss",
        "statuspage-incidents",
        "aws-rss",
        "aws-currentevents",
    ),
    *("aws-data-json", "azure-rss", "gcp-incidents-json", "malformed"),
)
PIECES = st.one_of(
    st.sampled_from(
        [
            *(
                "<p>",
                "</p>",
                "<br>",
                "<br />",
                "<BR/>",
                "<li>",
                "</li>",
                "<td>",
                "<strong>",
                "</strong>",
                "<b",
                ">",
                "<",
            ),
            *(
                "<var data-var='date'>",
                "</var>",
                '<a href="https://x.example/">',
                "</a>",
                "<script>",
                "</script>",
                "<p",
            ),
            *(
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<?xml ?>",
                "<project-id>",
                "< p >",
                "<p\n>",
                "</ p>",
                "<ſmall>",
                "<p/>",
            ),
            *("&amp;", "&lt;", "&gt;", "&am", "p;", "&nbsp;", "&#9;", "&#10;", "&#8203;", "&lt;br&gt;", "&"),
            *(
                " ",
                "  ",
                "\n",
                "\n\n\n",
                " \n ",
                "\t",
                "\r\n",
                "\r",
                "\u2028",
                "\xa0",
                "\u200b",
                "\u3000",
                "\x85",
                "\x1c",
            ),
            *("words", "x", "ü", "—", "😀", "\ud800"),
        ]
    ),
    st.text(max_size=5),
)


@pytest.mark.parametrize(
    ("raw", "content_type", "why"),
    [
        ('{"a": "é"}'.encode(), "", "UTF-8 is the rule"),
        (
            codecs.BOM_UTF8 + '{"a": "é"}'.encode(),
            "application/json; charset=latin-1",
            "a mark wins over a header",
        ),
        (
            codecs.BOM_UTF16_BE + '{"a": "é"}'.encode("utf-16-be"),
            "text/plain",
            "AWS sends UTF-16 with a mark",
        ),
        (codecs.BOM_UTF16_LE + '{"a": "é"}'.encode("utf-16-le"), "", "or in the other order"),
        (
            '{"a": "é"}'.encode("utf-16-be"),
            "application/json; charset=utf-16",
            "without a mark the zeros tell",
        ),
        ('{"a": "é"}'.encode("utf-16-le"), "", "in both orders"),
        (codecs.BOM_UTF32_LE + '{"a": "é"}'.encode("utf-32-le"), "", "UTF-32's mark begins as UTF-16's"),
        ('{"a": "é"}'.encode("latin-1"), "text/html; charset=ISO-8859-1", "the header's word"),
        ('{"a": "é"}'.encode("cp1252"), "", "what is not UTF-8 is Windows' alphabet"),
        ('{"a": "é"}'.encode(), "application/json; charset=made-up", "a bogus charset is passed over"),
        ('{"a": "é"}'.encode(), "application/json; charset=punycode", "and so is one that no feed has"),
    ],
)
def test_bytes_become_text(raw: bytes, content_type: str, why: str) -> None:
    assert load_json(body_of(raw, content_type=content_type)) == {"a": "é"}, why


def test_the_xml_declaration_names_the_encoding() -> None:
    raw = '<?xml version="1.0" encoding="windows-1251"?><rss>Привет</rss>'.encode("windows-1251")

    assert "Привет" in decode(body_of(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "an empty body where JSON was due"),
        (b" \r\n\x00", "an empty body where JSON was due"),
        (b"<!DOCTYPE html><html>" + b"x" * 12_300, "an HTML page of 12 KB where JSON was due"),
        (b"\n <!-- hi --> <HTML><body>", "an HTML page of 26 bytes where JSON was due"),
        (b"<?xml version='1.0'?><rss/>", "an XML document of 27 bytes where JSON was due"),
        (b'{"a": [1, 2', "not valid JSON, perhaps cut"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" + b"9" * 5_000 + b"]", "not valid JSON"),
        (b"nonsense(" * 1000, "not valid JSON"),
    ],
)
def test_what_came_instead_of_json_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        load_json(body_of(raw))

    assert message in str(caught.value)


def test_jsonp_is_unwrapped() -> None:
    assert load_json(body_of('jsonCallback({"a": "(1)"});\n')) == {"a": "(1)"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain words", "plain words"),
        ("a &amp; b &lt;c&gt; &nbsp;d", "a & b <c> d"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br />two<br>three", "One\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>end", "- a\n- b\n\nend"),
        ("x<script>alert(1)</script>y<style>p {}</style>z<script>unclosed", "xyz"),
        ("x<!-- hidden <b>here</b> -->y", "xy"),
        ("<![CDATA[in a box]]>", "in a box"),
        ("use <project-id> and a < b > c, or <->", "use <project-id> and a < b > c, or <->"),
        ('see <a href="https://x.example/a?b=1&amp;c=2">here</a>', "see here (https://x.example/a?b=1&c=2)"),
        ('see <a href="https://x.example/">https://x.example</a>', "see https://x.example"),
        ('<a href="https://x.example/"><img src="y"></a>', "https://x.example/"),
        ('<a href="javascript:steal()">click</a>', "click"),
        ("tabs\tand  blanks \r\n  next\n\n\n\nlast ", "tabs and blanks\nnext\n\nlast"),
        ("nul\x00 bell\x07 bom\ufeff half\ud800 reversed\u202e", "nul bell bom half reversed"),
        ("&#" + "9" * 5_000 + ";", "&#" + "9" * 5_000 + ";"),
        ("<td>a</td><td>b</td>", "a b"),
        (None, ""),
        (7, "7"),
        (True, ""),
        (["x"], ""),
    ],
)
def test_provider_text_becomes_plain(written: object, read: str) -> None:
    assert read == plain(written)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_quick_way_with_text_is_the_careful_one(written: str) -> None:
    """A comment sends markup the careful way, and a control character the white space: neither is seen in what comes out."""
    assert plain(written) == plain(f"{written}\x00")
    assert plain(f"<b>{written}") == plain(f"<b>{written}<!-- -->")


@needs_corpus
def test_the_quick_way_with_text_is_the_careful_one_on_recorded_texts() -> None:
    bodies = [path.read_text(errors="replace") for folder in FOLDERS for path in recorded(f"all/{folder}")]
    texts = {
        text for body in bodies for text in re.split(r'"|<!\[CDATA\[|\]\]>|&lt;/p&gt;', html.unescape(body))
    }

    for text in texts:
        assert plain(f"<b>{text[:60_000]}") == plain(f"<b>{text[:60_000]}<!-- -->\x00")


def test_only_plain_characters_go_the_quick_way() -> None:
    """What `str` calls printable is free of all that is taken out or made a blank; only the line feed is said apart."""
    odd = [chr(n) for n in range(0x110000) if plain(f"a{chr(n)}b") != f"a{chr(n)}b"]

    assert [char for char in odd if char.isprintable()] == []


def test_text_is_cut_with_an_ellipsis() -> None:
    assert len(plain("x" * 20_000)) == TEXT_MAX_CHARS
    assert plain("x" * 20_000).endswith("…")
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"
    assert line("a\n b ") == "a b"


def test_an_absurd_id_keeps_its_head_and_gets_a_hash() -> None:
    long = "x" * 5_000

    assert ident(long) == f"{'x' * 100}~{fingerprint(long)}"
    assert ident(long) != ident(long + "y")
    assert [ident(7), ident(" a b\x00 "), ident(None), ident(True)] == ["7", "a b", "", ""]


def test_only_web_addresses_are_links() -> None:
    assert web_link(" https://x.example/a ") == "https://x.example/a"
    assert [web_link("javascript:x"), web_link("https://x.example/ a"), web_link(None)] == [None, None, None]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-08-17T21:01:19Z", "2026-08-17T21:01:19Z"),
        ("2026-08-17T21:01:19.5-07:00", "2026-08-18T04:01:19.500Z"),
        ("2026-08-17T21:01:19.123456789+00:00", "2026-08-17T21:01:19.123Z"),
        ("2026-08-17T21:01:19+0000", "2026-08-17T21:01:19Z"),
        ("2026-08-17 21:01:19", "2026-08-17T21:01:19Z"),
        ("2026-08-17 21:01:19 UTC", "2026-08-17T21:01:19Z"),
        ("2026-08-17 21:01:19 PST", "2026-08-18T05:01:19Z"),
        ("Mon, 17 Aug 2026 21:01:19 PDT", "2026-08-18T04:01:19Z"),
        ("Mon, 17 Jan 2026 21:01:19 PST", "2026-01-18T05:01:19Z"),
        ("Thu, 23 Jul 2026 16:29:09 Z", "2026-07-23T16:29:09Z"),
        ("Thu, 23 Jul 2026 16:29:09 CEST", "2026-07-23T14:29:09Z"),
        ("Wed, 16 Aug 2023 23:18:52 GMT", "2023-08-16T23:18:52Z"),
        ("Thu, 09 Jan 2014 16:00:23 -0800", "2014-01-10T00:00:23Z"),
        ("1772369485", "2026-03-01T12:51:25Z"),
        (1772369485, "2026-03-01T12:51:25Z"),
        (1772369485123, "2026-03-01T12:51:25.123Z"),
        ("1772369485123456789", "2026-03-01T12:51:25.123Z"),
        ("2026-08-17", "2026-08-17T00:00:00Z"),
    ],
)
def test_times_are_read_and_written_in_one_spelling(written: object, read: str) -> None:
    at = when(written)

    assert at is not None
    assert (read, UTC) == (iso(at), at.tzinfo)


DAYS = st.timedeltas(timedelta(), timedelta(days=80_000)).map(
    lambda gone: datetime(1990, 1, 1, tzinfo=UTC) + gone
)
MAIL_ZONES = st.sampled_from(
    ["GMT", "UTC", "Z", "PST", "EDT", "CEST", "XYZ", "+0000", "-0000", "-0730", "+0530", "+9999", "+2"]
)


@given(DAYS, MAIL_ZONES, st.booleans())
def test_the_quick_way_with_mail_dates_is_the_librarys(at: datetime, zone: str, has_weekday: bool) -> None:
    """Two blanks send a date to the library, to which they mean nothing."""
    weekday = at.strftime("%a, ") if has_weekday else ""
    written = f"{weekday}{at:%d %b %Y %H:%M:%S} {zone}"

    assert when(written) == when(
        written.replace(" ", "  ", 1) if has_weekday else f"{at:%d  %b %Y %H:%M:%S} {zone}"
    )


@pytest.mark.parametrize(
    "date", ["31 Feb 2026 10:00:00", "17 Aug 2026 24:00:00", "17 Aug 2026 10:60:00", "17 Abc 2026 10:00:00"]
)
def test_a_mail_date_that_is_none_is_none_either_way(date: str) -> None:
    assert [when(f"Mon, {date} GMT"), when(f"Mon,  {date} GMT")] == [None, None]


@given(DAYS, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_written_as_isoformat_would(at: datetime, offset: int) -> None:
    there = at.astimezone(timezone(timedelta(minutes=offset)))
    whole = at.replace(tzinfo=None)

    assert (
        iso(there)
        == whole.isoformat(timespec="milliseconds" if whole.microsecond >= 1000 else "seconds") + "Z"
    )


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "99:99", "2026-13-40T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
        *(0, "0", -5, True, None, [], {}, float("nan"), float("inf"), 10**400, "9" * 60, "x" * 1000),
        *("Mon, 99 Foo 2026 99:99:99 ZZ", "Mon, 31 Feb 2026 10:00:00 PDT", "٣٤"),
    ],
)
def test_a_hopeless_time_is_none(written: object) -> None:
    assert when(written) is None


def test_iso_shows_fractions_only_where_there_are_any() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 6_000, tzinfo=timezone(timedelta(hours=1)))

    assert iso(at) == "2026-01-02T02:04:05.006Z"
    assert iso(at.replace(microsecond=600)) == "2026-01-02T02:04:05Z"


@pytest.mark.parametrize(
    ("word", "kind", "status"),
    [
        ("investigating", Kind.INCIDENT, Status.INVESTIGATING),
        ("In progress", Kind.MAINTENANCE, Status.IN_PROGRESS),
        ("maintenance-in-progress", Kind.MAINTENANCE, Status.IN_PROGRESS),
        ("RESOLVED", Kind.INCIDENT, Status.RESOLVED),
        ("resolved", Kind.MAINTENANCE, Status.COMPLETED),
        ("active", Kind.MAINTENANCE, Status.IN_PROGRESS),
        ("Post-Mortem", Kind.INCIDENT, Status.POSTMORTEM),
    ],
)
def test_status_words(word: str, kind: Kind, status: Status) -> None:
    unknown: list[str] = []

    assert status is status_of(word, kind, unknown)
    assert unknown == []


def test_unknown_words_are_taken_for_the_worst_and_noted() -> None:
    unknown: list[str] = []

    assert status_of("fizzled", Kind.INCIDENT, unknown) is Status.INVESTIGATING
    assert status_of("fizzled", Kind.MAINTENANCE, unknown) is Status.IN_PROGRESS
    assert impact_of("huge", Kind.INCIDENT, unknown) is Impact.CRITICAL
    assert status_of({"a": 1}, Kind.INCIDENT, unknown) is Status.INVESTIGATING
    assert unknown == ["status: fizzled", "impact: huge", "status: (none given)"]


def test_an_impact_that_is_not_given_is_small() -> None:
    assert impact_of(None, Kind.INCIDENT, []) is Impact.MINOR
    assert impact_of("", Kind.MAINTENANCE, []) is Impact.MAINTENANCE


@pytest.mark.parametrize(
    ("title", "text", "status"),
    [
        ("[Resolved] Mail", "", Status.RESOLVED),
        ("[RESOLVED] Mail", "Investigating - we look", Status.RESOLVED),
        ("Mail [Incident (Recovered)]", "", Status.RESOLVED),
        ("Resolved: mail", "", Status.RESOLVED),
        ("Mail is late - Resolved", "", Status.RESOLVED),
        ("Mail", "Status: Resolved\n\nAll is well.", Status.RESOLVED),
        ("Mail", "Current status: MONITORING", Status.MONITORING),
        ("Mail", "Identified - a cable", Status.IDENTIFIED),
        ("Mail", "Resolved\nAll is well.", Status.RESOLVED),
        ("Unresolved: mail", "", None),
        ("[Unresolved] Mail", "", None),
        ("Mail (not yet resolved)", "", None),
        ("Mail - Unresolved", "This is unresolved.", None),
        ("Mail", "Current Status: The issue is not yet resolved.", None),
        ("Mail", "Current status: resolved for some, others wait.", None),
        ("Mail", "We hope that it is resolved soon.", None),
        ("Resolved incidents pile up", "", None),
    ],
)
def test_only_a_label_states_a_status(title: str, text: str, status: Status | None) -> None:
    """Prose says "unresolved" and "not yet resolved"."""
    assert status is stated_status(title, text)


def test_a_label_is_no_part_of_the_title() -> None:
    assert [
        without_label("[Resolved] - Mail"),
        without_label("[Console] Mail"),
        without_label("[Resolved]"),
    ] == ["Mail", "[Console] Mail", "[Resolved]"]


def test_control_characters_never_reach_json_output() -> None:
    assert json.dumps(plain("a\ud800b")).encode()
