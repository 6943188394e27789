"""Bytes are hostile: whatever comes, a format answers with observations or with ParseError, and soon."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.observation import TEXT_MAX_CHARS, UPDATES_MAX, Observation
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.assemble import PLACES_MAX
from bot.sources.encode import as_line
from bot.sources.payload import Payload
from bot.sources.text import ID_MAX_CHARS, TITLE_MAX_CHARS
from tests.sources.feedkit import aws_data, aws_entry, body_of, incident, outcome, page, parse, rss, update

FEEDS = Path(__file__).parent / "feeds"
BODIES = sorted(p for p in FEEDS.glob("*/*") if not p.name.endswith(".expected.json"))
JSON_BODIES = [p for p in BODIES if p.suffix == ".json" and p.parent.name != "aws-currentevents"]
SOON_S = 5.0  # generous: these machines are slow and shared, and the mistakes to be caught take minutes
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><rss><channel><item><title>&c;</title></item></channel></rss>'
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        [
            "<a href='//['>",
            "&#99999999999;",
            "//[",
            "\ud800",
            "9" * 400,
            "[RESOLVED]",
            "2026-01-01",
            "<![x",
            "-",
        ]
    ),
    st.lists(st.none(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "name", "title", "when"]), st.integers(), max_size=2),
)


def answer(name: str, payload: Payload) -> tuple[Observation, ...]:
    """What a format makes of a body, and a check that it is fit to be stored and shown."""
    format_ = FORMATS[name]
    format_.recognises(payload)
    format_.listed(payload)
    found, error = outcome(name, payload)
    for observation in found:
        _is_fit(observation)
    assert error != ""
    assert len(found) == len({o.key for o in found})
    return found


def _is_fit(observation: Observation) -> None:
    json.dumps(as_line(observation), allow_nan=False, ensure_ascii=False).encode()
    assert 0 < len(observation.key) <= ID_MAX_CHARS + 50
    assert 0 < len(observation.title) <= TITLE_MAX_CHARS
    assert 0 < len(observation.places) <= PLACES_MAX
    assert len({u.id for u in observation.updates}) == len(observation.updates) <= UPDATES_MAX
    assert all(len(u.text) <= TEXT_MAX_CHARS for u in observation.updates)
    times = [u.posted_at for u in observation.updates if u.posted_at]
    assert times == sorted(times)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_mutated_and_cut_bytes_are_read_or_refused(name: str, data: st.DataObject) -> None:
    bodies = [p for p in BODIES if p.parent.name == name]
    raw = bytearray(data.draw(st.sampled_from(bodies)).read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        raw = raw or bytearray(b" ")
    cut = data.draw(st.integers(0, len(raw)))

    answer(name, body_of(bytes(raw[:cut] if data.draw(st.booleans()) else raw)))


@pytest.mark.parametrize("name", sorted({p.parent.name for p in JSON_BODIES}))
@given(data=st.data())
def test_json_with_odd_values_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Fields that are missing, null, or of another kind."""
    path = data.draw(st.sampled_from([p for p in JSON_BODIES if p.parent.name == name]))
    value = json.loads(path.read_bytes())

    answer(name, body_of(_spoiled(value, data, depth=0)))


def _spoiled(value: object, data: st.DataObject, depth: int) -> object:
    if data.draw(st.integers(0, 25)) == 0 and depth:
        return data.draw(ODD)
    if isinstance(value, dict):
        return {k: _spoiled(v, data, depth + 1) for k, v in value.items() if data.draw(st.integers(0, 25))}
    if isinstance(value, list):
        return [_spoiled(v, data, depth + 1) for v in value]
    return value


@given(
    title=st.text(max_size=60),
    text=st.text(max_size=200),
    at=st.text(max_size=30),
    guid=st.text(max_size=20),
    cdata=st.booleans(),
)
def test_entries_with_any_words_are_read_or_refused(
    title: str, text: str, at: str, guid: str, cdata: bool
) -> None:
    wrapped = f"<![CDATA[{text}]]>" if cdata else text
    item = f"<item><title>{title}</title><guid>{guid}</guid><description>{wrapped}</description><pubDate>{at}</pubDate></item>"
    raw = rss(item).encode("utf-8", errors="surrogatepass")

    for name in ("rss", "azure-rss", "aws-rss"):
        answer(name, body_of(raw))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"\x00",
            b"[]",
            b"{}",
            b"null",
            b"7",
            b'"x"',
            b"[[]]",
            b"[null]",
            b"\xff\xfe",
            b"\xfe\xff\xd8",
            b"<",
            b"<rss",
        ),
        *(
            b"<feed/>",
            b"<html></html>",
            b"<foo/>",
            b"{" * 100_000,
            b"[" * 100_000,
            b"<rss>" + b"<a>" * 100_000,
        ),
        *(b"\x1f\x8b\x08\x00", LAUGHS.encode()),
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_strange_bodies_are_read_or_refused_soon(name: str, raw: bytes) -> None:
    began = time.monotonic()

    answer(name, body_of(raw))

    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<![",
        "<!--",
        "<a b='",
        "</ a",
        "<script",
        "&",
        "&#9",
        "[",
        "status: ",
        "<p><small>",
        "<p> ",
        "a\n ",
        "<span",
        " \n",
    ],
)
def test_repeated_pieces_do_not_take_long(piece: str) -> None:
    """The standard library's HTML parser takes half a minute for 64 KB of "<a "."""
    text = piece * (300_000 // len(piece))
    began = time.monotonic()

    parse("statuspage", page(incident(update("u1", "2026-01-01T00:00:00Z", text), name=text)))
    parse("aws-data-json", aws_data(aws_entry(1638947100, description=text)))
    parse(
        "rss",
        rss(f"<item><title><![CDATA[{text}]]></title><description><![CDATA[{text}]]></description></item>"),
    )

    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("name", ["rss", "azure-rss", "aws-rss"])
def test_entities_are_refused_before_any_parser_sees_them(name: str) -> None:
    """A comment that pretends to be a harmless DOCTYPE does not help."""
    hidden = LAUGHS.replace("<!DOCTYPE", "<!-- <!DOCTYPE x []> --><!DOCTYPE")

    for text in (LAUGHS, hidden, LAUGHS.replace("<?xml", "&<?xml")):
        with pytest.raises(ParseError, match="declares entities"):
            parse(name, text)


def test_a_doctype_without_entities_is_fine() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "https://dtd.example/rss-0.91.dtd">'

    assert (
        len(
            parse(
                "rss", doctype + '<rss version="0.91"><channel><item><title>T</title></item></channel></rss>'
            )
        )
        == 1
    )


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("rss", "<html><body>Sorry</body></html>", "an HTML page of 31 bytes where a feed was due"),
        ("rss", '{"a": 1}', "JSON of 8 bytes where a feed was due"),
        ("rss", "<foo><item/></foo>", "is no readable RSS, RDF or Atom feed"),
        ("rss", "just words", "is no feed"),
        ("azure-rss", "", "an empty body where a feed was due"),
        ("gcp", "{}", "not a list of incidents"),
        ("aws-currentevents", "{}", "not a list of events"),
        ("aws-data-json", "{}", "neither a current list nor an archive"),
        ("slack-current", '{"ok": true}', "no list of active_incidents"),
        ("slack-current", "7", "neither Slack's current status nor its history"),
        ("statuspage", "[]", "the body is a list, not an object"),
    ],
)
def test_a_refusal_names_what_came(name: str, raw: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(name, raw)

    assert message in str(caught.value)


def test_a_feed_that_is_not_well_formed_is_read_by_feedparser() -> None:
    """One unclosed guid: recovering parsers lose four items of five."""
    items = "".join(f"<item><title>T{n}</title><guid>g{n}</guid></item>" for n in range(1, 5))

    found = parse(
        "rss", rss("<item><title>T0 & more</title><guid>g0<description>x</description></item>", items)
    )

    assert [o.title for o in found] == ["T0 & more", "T1", "T2", "T3", "T4"]


def test_a_feed_that_is_cut_gives_what_it_has_as_partial() -> None:
    whole = rss(
        "<item><title>One</title><guid>1</guid></item>", "<item><title>Two</title><guid>2</guid></item>"
    )

    with pytest.raises(ParseError, match="ends before it is closed") as caught:
        parse("rss", whole[: whole.index("Two")])

    assert [o.key for o in caught.value.partial][:1] == ["1"]


def test_a_healthy_channel_without_items_is_no_mistake() -> None:
    assert parse("azure-rss", rss(title="Azure Status")) == ()
    assert parse("rss", '<rss version="2.0"><channel><title>ok</title></channel></rss>') == ()


def test_nothing_is_recognised_in_noise() -> None:
    noise = [
        '{"result": {"incidents": []}}',
        '{"incidents": []}',
        "[1, 2]",
        "hello",
        "<svg/>",
        '{"page": 1}',
        "",
    ]

    assert [detect(body_of(raw)) for raw in noise] == [None] * len(noise)
