"""Bytes are hostile: whatever comes, a format answers with observations or with ParseError, soon and in little room."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import feedparser  # noqa: F401 - imported where the first ill-formed feed is read, whose time would count it
import pytest

from bot.errors import ParseError
from bot.sources import FORMATS, detect
from tests.fuzz.bodies import BOMBS, CONTENT_TYPES, ERROR_PAGES, MIB, SMALL, large
from tests.fuzz.fitness import answer, answered_soon, detected_soon
from tests.fuzz.spoil import (
    BODIES,
    JSON_BODIES,
    ODD_VALUES,
    cases,
    doubled_key,
    long_lists,
    part_at,
    value_of,
    ways,
    with_part,
    without_part,
)
from tests.sources.feedkit import aws_data, aws_entry, body_of, incident, outcome, page, parse, rss, update

ROOT = Path(__file__).resolve().parents[2]
LARGE_BYTES = 50 * 1024
IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
OF_OURS = [path for path in BODIES if path.parent.name in FORMATS]
JSON_OF_OURS = [path for path in JSON_BODIES if path.parent.name in FORMATS]
pytestmark = pytest.mark.timeout(300 if IS_LONG else 60)
ROOM_MIB = 100  # for any body of 8 MiB: its text, its values, its entries


def named(path: Path) -> str:
    """How a body is called in the names of tests."""
    return f"{path.parent.name}-{path.name}"


# --- whole bodies that no provider meant to send


@pytest.mark.parametrize("name", FORMATS)
def test_strange_small_bodies_are_read_or_refused_at_once(name: str) -> None:
    for raw in SMALL.values():
        answered_soon(name, body_of(raw))


@pytest.mark.parametrize("what", SMALL)
def test_strange_small_bodies_are_nobodys_or_detected_at_once(what: str) -> None:
    detected_soon(body_of(SMALL[what]))


@pytest.mark.parametrize("what", large(1))
def test_large_bodies_are_read_or_refused_soon(what: str) -> None:
    """In the time that their share of a cap allows: two seconds for a whole one."""
    payload = body_of(large(LARGE_BYTES)[what])
    detected_soon(payload)

    for name in FORMATS:
        answered_soon(name, payload)


@pytest.mark.long
@pytest.mark.parametrize("what", large(1))
def test_bodies_of_the_size_of_the_cap_are_read_or_refused_soon(what: str) -> None:
    """What is larger never reaches a parser."""
    bodies = {cap: body_of(large(cap)[what]) for cap in {f.body_max_bytes for f in FORMATS.values()}}
    detected_soon(bodies[max(bodies)])

    for name, format_ in FORMATS.items():
        answered_soon(name, bodies[format_.body_max_bytes])


@pytest.mark.parametrize("name", ["statuspage", "rss", "aws-currentevents", "gcp"])
def test_a_title_above_every_cap_is_cut_or_refused(name: str) -> None:
    title = "x" * (12 * MIB)

    for raw in (rss(f"<item><title>{title}</title></item>"), f'[{{"title": "{title}"}}]'):
        answered_soon(name, body_of(raw))


@pytest.mark.slow
def test_bodies_of_the_size_of_the_cap_take_little_room() -> None:
    """In a process of its own, whose peak is nobody else's: no body may raise it by much."""
    script = f"""
import resource
import feedparser, tests.fuzz.fitness
from bot.sources import FORMATS
from tests.fuzz.bodies import large
from tests.sources.feedkit import body_of, outcome

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

for name in ("rss", "statuspage", "aws-data-json"):
    bodies = large(FORMATS[name].body_max_bytes)
    before = peak()
    for what, raw in bodies.items():
        outcome(name, body_of(raw))
        assert peak() - before < {ROOM_MIB}, (name, what, before, peak())
    print(name, peak() - before)
"""
    command = [sys.executable, "-c", script]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert done.returncode == 0, done.stderr[-2000:]


# --- XML


@pytest.mark.parametrize("what", BOMBS)
def test_documents_that_declare_entities_are_refused_by_everyone(what: str) -> None:
    """Before any parser sees them; a comment that pretends to be a harmless DOCTYPE does not help."""
    bomb = BOMBS[what]
    for text in (
        bomb,
        bomb.replace("<!DOCTYPE", "<!-- <!DOCTYPE x []> --><!DOCTYPE"),
        bomb.replace("<?xml", "&<?xml"),
    ):
        for name in FORMATS:
            assert answered_soon(name, body_of(text)) == ()
            assert outcome(name, body_of(text))[1]
        for coded in (text.encode("utf-16"), text.encode("utf-16-le"), b"\xef\xbb\xbf" + text.encode()):
            assert answered_soon("rss", body_of(coded)) == ()


@pytest.mark.parametrize("name", ["rss", "azure-rss", "aws-rss"])
@pytest.mark.parametrize("what", BOMBS)
def test_entities_are_named_as_the_reason(name: str, what: str) -> None:
    with pytest.raises(ParseError, match="declares entities"):
        parse(name, BOMBS[what])


def test_a_doctype_without_entities_is_fine() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "https://dtd.example/rss-0.91.dtd">'
    document = '<rss version="0.91"><channel><item><title>T</title></item></channel></rss>'

    assert len(parse("rss", doctype + document)) == 1


# --- what servers and proxies send instead


@pytest.mark.parametrize("what", ERROR_PAGES)
def test_error_pages_with_status_200_are_nobodys_and_say_nothing(what: str) -> None:
    """A page that says sorry is neither "all is well" nor an incident: each format refuses it."""
    payload = body_of(ERROR_PAGES[what], content_type="text/html")
    assert detect(payload) is None

    for name in FORMATS:
        found, error = outcome(name, payload)
        assert (name, found) == (name, ())
        assert error, f"{name} takes an error page for a quiet body"


@pytest.mark.parametrize("path", OF_OURS, ids=named)
def test_a_wrong_content_type_or_charset_harms_nothing(path: Path) -> None:
    for content_type in CONTENT_TYPES:
        answer(path.parent.name, body_of(path.read_bytes(), content_type=content_type))


@pytest.mark.parametrize("path", OF_OURS, ids=named)
def test_a_body_that_is_cut_anywhere_is_read_in_part_or_refused(path: Path) -> None:
    raw = path.read_bytes()

    for part in range(20):
        answer(path.parent.name, body_of(raw[: len(raw) * part // 20]))


@pytest.mark.parametrize("path", OF_OURS, ids=named)
def test_a_body_of_another_format_is_read_or_refused(path: Path) -> None:
    payload = body_of(path.read_bytes())

    for name in FORMATS:
        answer(name, payload)


# --- JSON: values of other kinds


@pytest.mark.parametrize("path", JSON_OF_OURS, ids=named)
def test_any_value_anywhere_is_read_or_refused(path: Path) -> None:
    """At each path of the body a few odd values in turn, all of them in the long run."""
    value, odd = value_of(path), itertools.cycle(ODD_VALUES)

    for way in ways(value):
        for part in ODD_VALUES if IS_LONG else itertools.islice(odd, 3):
            answer(path.parent.name, body_of(json.dumps(with_part(value, way, part))))
        if way:
            answer(path.parent.name, body_of(json.dumps(without_part(value, way))))


@pytest.mark.parametrize("path", JSON_OF_OURS, ids=named)
def test_keys_that_come_twice_are_read_or_refused(path: Path) -> None:
    value = value_of(path)

    for way in ways(value):
        held = part_at(value, way)
        if isinstance(held, dict) and held:
            answer(path.parent.name, body_of(doubled_key(value, way, None)))


@pytest.mark.parametrize("path", JSON_OF_OURS, ids=named)
def test_long_lists_are_read_or_refused_soon(path: Path) -> None:
    """Each list is made long: of the same members, and of members with other texts. Up to the cap in the long run."""
    size = FORMATS[path.parent.name].body_max_bytes if IS_LONG else 40_000

    for raw in long_lists(value_of(path), size):
        answered_soon(path.parent.name, body_of(raw))


# --- words


@pytest.mark.parametrize(
    "piece",
    [
        *("<a ", "<![", "<!--", "<a b='", "</ a", "<script", "&", "&#9", "[", "status: ", "<p><small>", "<p> "),
        *("a\n ", "<span", " \n", "\n\n", "\r", "\u2028", "\u202e", "( ", "@everyone ", "[Resolved] ", "Aug 21, "),
        *("\\_", "<br/>", "<li>", "</a>", "<a href='x'>", "https://x.example/ ", "\t", "é", "Status: resolved\n"),
    ],
)  # fmt: skip
def test_repeated_pieces_do_not_take_long(piece: str) -> None:
    """The standard library's HTML parser takes half a minute for 64 KB of "<a "."""
    text = piece * (300_000 // len(piece))
    said = incident(update("u1", "2026-01-01T00:00:00Z", text), name=text)
    item = f"<item><title><![CDATA[{text}]]></title><description><![CDATA[{text}]]></description></item>"

    for name, raw in (
        ("statuspage", page(said)),
        ("aws-data-json", aws_data(aws_entry(1638947100, description=text, summary=text))),
        ("gcp", [{"id": "a", "external_desc": text, "updates": [{"when": text, "text": text}]}]),
        ("rss", rss(item)),
        ("azure-rss", rss(item.replace("<title>", "<guid>1</guid><title>"))),
    ):
        answered_soon(name, body_of(raw))


@pytest.mark.parametrize(
    "at",
    [
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "99999-01-01T00:00:00Z"),
        *(0, -1, 1e400, -1e400, float("nan"), 10**30, 10**400, "9" * 64, "Thu, 31 Dec 99999 23:59:59 GMT", "Feb 29, 25:61"),
    ],
    ids=lambda at: repr(at)[:30],
)  # fmt: skip
def test_times_outside_of_our_age_are_unknown(at: object) -> None:
    said = incident(update("u1", at), created_at=at, updated_at=at, resolved_at=at, scheduled_for=at)  # type: ignore[arg-type]

    for o in answer("statuspage", body_of(page(said))):
        assert {o.began_at, o.ended_at, o.updated_at, o.updates[0].posted_at} == {None}


def test_a_year_that_a_text_names_must_be_one_of_our_age() -> None:
    """A label of Statuspage's, within an entry, with its year."""
    block = "<p><small>Aug 21, 2926 00:37 UTC</small><br><strong>Resolved</strong> - words</p>"
    item = f"<item><title>T</title><description><![CDATA[{block}]]></description></item>"

    answer("rss", body_of(rss(item)))


def test_an_unreadable_time_cannot_look_like_a_number_of_ours() -> None:
    """Two texts of one moment are told apart by "#2" behind it; a time of "#2" must not be the same."""
    log = [{"message": "a"}, {"message": "b"}, {"message": "c", "timestamp": "#2"}]
    body = [{"arn": "arn:aws:health:us-east-1::event/EC2/X/Y", "event_log": log}]

    assert [len(log)] == [len(o.updates) for o in answer("aws-currentevents", body_of(body))]


def test_a_place_made_of_a_name_and_an_id_is_capped() -> None:
    services = {"x" * 180: {"service_name": "Service " * 15}}
    arn = "arn:aws:health:us-east-1::event/EC2/X/Y"

    answer("aws-currentevents", body_of([{"arn": arn, "event_log": [], "impacted_services": services}]))


def test_a_link_made_of_an_id_is_a_link() -> None:
    found = answer("statuspage", body_of(page(incident(id='a b"<c>'))))

    assert [o.url for o in found] == [None]


def test_a_long_link_stays_whole() -> None:
    long = f"https://status.acme.example/{'x' * 400}"

    assert [long] == [o.url for o in parse("rss", rss(f"<item><title>T</title><link>{long}</link></item>"))]


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
        ("statuspage", f"[{'{},' * 200_000}{{}}]", "holds far more parts than any status page has"),
        (
            "rss",
            f"<rss>&{'<item>x</item>' * 40_000}</rss>",
            "not well formed, and too large or rich in tags to mend",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_names_what_came(name: str, raw: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(name, raw)

    assert message in str(caught.value)


def test_a_feed_that_is_not_well_formed_is_read_by_feedparser() -> None:
    """One unclosed guid: recovering parsers lose four items of five."""
    items = "".join(f"<item><title>T{n}</title><guid>g{n}</guid></item>" for n in range(1, 5))
    broken = "<item><title>T0 & more</title><guid>g0<description>x</description></item>"

    found = parse("rss", rss(broken, items))

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


def test_every_format_has_bodies_to_spoil() -> None:
    assert [name for name in FORMATS if not cases(name)] == []
