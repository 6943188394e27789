"""The JSON of a webhook, to the letter, and its signature against the example that Standard Webhooks publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.chats.webhook import render
from bot.domain.card import Card, Field, Section, Tone

AT = datetime(2025, 10, 20, 7, 12, tzinfo=UTC)
CARD = Card(
    title="AWS: Increased error rates in US-EAST-1",
    tone=Tone.CRITICAL,
    fallback="INC-1 AWS: Increased error rates in US-EAST-1 (SEV1, investigating)",
    url="https://health.aws.amazon.com/health/status",
    fields=(Field(name="Severity", value="SEV1"),),
    sections=(Section(heading="Investigating", text="We are looking into it.", at=AT),),
    footer="INC-1 · 1 update",
    mentions=("@ops",),
)
HEADLINE = {
    "version": 1,
    "id": "k1",
    "kind": "headline",
    "channel": "bus",
    "thread": None,
    "edits": None,
    "title": "AWS: Increased error rates in US-EAST-1",
    "tone": "critical",
    "text": "AWS: Increased error rates in US-EAST-1\nSeverity: SEV1\nInvestigating: We are looking into it.\nINC-1 · 1 update",
    "fallback": "INC-1 AWS: Increased error rates in US-EAST-1 (SEV1, investigating)",
    "url": "https://health.aws.amazon.com/health/status",
    "fields": [{"name": "Severity", "value": "SEV1"}],
    "sections": [
        {
            "heading": "Investigating",
            "text": "We are looking into it.",
            "at": "2025-10-20T07:12:00+00:00",
        }
    ],
    "footer": "INC-1 · 1 update",
    "is_quiet": False,
}


def test_a_headline_looks_like_this() -> None:
    event = render.said(CARD, channel="bus", key="k1", thread=None)

    assert json.loads(render.encode(event)) == HEADLINE


def test_an_update_names_its_headline_and_an_edit_names_the_message() -> None:
    update = render.said(CARD, channel="bus", key="k2", thread="k1")
    edit = render.corrected(CARD, channel="bus", message="k2", thread="k1")

    assert dict(update) == HEADLINE | {"id": "k2", "kind": "update", "thread": "k1"}
    assert dict(edit) == HEADLINE | {"id": "k2", "kind": "edit", "thread": "k1", "edits": "k2"}


def test_a_ping_says_nothing() -> None:
    assert dict(render.ping("bus")) == {
        "version": 1,
        "id": "ping",
        "kind": "ping",
        "channel": "bus",
        "thread": None,
        "edits": None,
    }


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Secret, id, time stamp, body and signature are those of its specification and its libraries' tests."""
    headers = render.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        datetime.fromtimestamp(1614265330, UTC),
    )

    assert headers == {
        "Content-Type": "application/json",
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_an_id_stands_for_the_message_and_its_words() -> None:
    first = render.said(CARD, channel="bus", key="k1", thread=None)
    other = render.said(replace(CARD, title="x"), channel="bus", key="k1", thread=None)

    assert render.delivery_id(first, AT) == render.delivery_id(first, AT + timedelta(hours=1))
    assert render.delivery_id(first, AT) != render.delivery_id(other, AT)
    assert "." not in render.delivery_id(first, AT)  # it would blur where the id ends in what is signed


def test_an_edits_id_is_never_used_again() -> None:
    edit = render.corrected(CARD, channel="bus", message="k1", thread=None)

    assert render.delivery_id(edit, AT) != render.delivery_id(edit, AT + timedelta(microseconds=1))


def test_a_monstrous_card_stays_below_what_receivers_must_take() -> None:
    long = "é" * 50_000
    card = replace(
        CARD,
        title=long,
        fallback=long,
        footer=long,
        fields=(Field(name=long, value=long),) * 100,
        sections=(Section(text=long, heading=long),) * 100,
    )

    assert len(render.encode(render.said(card, channel="bus", key="k1", thread=None))) < 512 * 1024


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    event = render.said(replace(CARD, url="javascript:alert(1)"), channel="bus", key="k1", thread=None)

    assert event["url"] is None


def test_half_a_letter_in_a_feed_does_not_keep_the_rest_from_being_sent() -> None:
    event = render.said(replace(CARD, title="half \ud83d letter"), channel="bus", key="k1", thread=None)

    assert json.loads(render.encode(event))["title"] == "half ? letter"
