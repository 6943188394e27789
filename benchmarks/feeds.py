"""Feeds as the providers write them, made up here, so that every machine measures the same bytes. Pure.

`IN_ITEM` stands in the first item of each, `IN_HEAD` before it: a number in its place changes that item, or the body alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import cycle, islice

IN_ITEM, IN_HEAD = b"@@@@@@", b"######"
BEGAN_AT = datetime(2025, 8, 21, 0, 37, 10, tzinfo=UTC)
UPDATES_EACH = 6
LABELS = ("Resolved", "Monitoring", "Update", "Update", "Identified", "Investigating")
SENTENCES = (
    "We are investigating reports of slow answers and errors for a part of all requests.",
    "Our engineers found the cause in a change of the load balancers, which is being rolled back region by region.",
    "Customers may see failed builds, late webhooks and pages that do not load.",
    "The error rate has come down to its usual level; queued work is being caught up with.",
    "We keep watching closely, and expect all work that was held back to be done within the hour.",
    "This incident has been resolved. Thank you for your patience while we looked into it.",
    "A detailed report will be shared as soon as it is available.",
)
_RSS = '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel><ttl>######</ttl>'
_ATOM = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xml:lang="en-US" xmlns="http://www.w3.org/2005/Atom"><rights>######</rights>'


def statuspage_rss(count: int) -> bytes:
    """A page's history.rss: some 2.8 KB an item."""
    items = "".join(
        f"    <item>\n      <title>Part {n} answers slowly</title>\n      <description>{escape(_timeline(n))}</description>\n"
        f"      <pubDate>{_at(n):%a, %d %b %Y %H:%M:%S} +0000</pubDate>\n      <link>{_link(n)}</link>\n"
        f"      <guid>{_link(n)}</guid>\n    </item>\n"
        for n in range(count)
    )
    head = "<title>Acme Status - Incident History</title><link>https://status.acme.example</link>"
    return f"{_RSS}{head}\n{items}</channel>\n</rss>\n".encode()


def statuspage_atom(count: int) -> bytes:
    """A page's history.atom."""
    entries = "".join(
        f"  <entry>\n    <id>tag:status.acme.example,2005:Incident/{2_000_000 - n}</id>\n"
        f"    <published>{_at(n).isoformat()}</published>\n    <updated>{(_at(n) + timedelta(hours=5)).isoformat()}</updated>\n"
        f'    <link rel="alternate" type="text/html" href="{_link(n)}"/>\n    <title>Part {n} answers slowly</title>\n'
        f'    <content type="html">{escape(_timeline(n))}</content>\n  </entry>\n'
        for n in range(count)
    )
    head = "<id>tag:status.acme.example,2005:/history</id><title>Acme Status - Incident History</title>"
    return f"{_ATOM}{head}\n{entries}</feed>\n".encode()


def aws_rss(count: int) -> bytes:
    """AWS' all.rss: one item for each update, four of them an event."""
    services = ("ec2-us-east-1", "lambda-eu-west-1", "s3-us-standard", "dynamodb-ap-southeast-2", "iam")
    items = "".join(
        f"<item>\n <title><![CDATA[Service impact: Increased Error Rates {n // 4}]]></title>\n"
        f" <link>https://status.aws.amazon.com/</link>\n <pubDate>{_at(n):%a, %d %b %Y %H:%M:%S} GMT</pubDate>\n"
        f' <guid isPermaLink="false">https://status.aws.amazon.com/#{services[n // 4 % 5]}_{_at(n).timestamp():.0f}</guid>\n'
        f" <description><![CDATA[{_words(n, 9)}]]></description>\n</item>\n"
        for n in range(count)
    )
    head = "<title><![CDATA[Amazon Web Services Service Status]]></title><link>https://status.aws.amazon.com/</link>"
    return f"{_RSS}{head}\n{items}</channel>\n</rss>\n".encode()


def azure_rss(count: int) -> bytes:
    """Azure's feed on a bad day."""
    items = "".join(
        f'<item><guid isPermaLink="false">trouble-{n}</guid><link>https://azure.status.microsoft/</link>'
        "<category>Virtual Machines</category><category>West Europe</category><category>East US 2</category>"
        f"<title>Part {n} answers slowly in West Europe</title>"
        f"<description>&lt;p&gt;{escape(_words(n, 9))}&lt;/p&gt;</description>"
        f"<pubDate>{_at(n):%a, %d %b %Y %H:%M:%S} Z</pubDate><a10:updated>{_at(n):%Y-%m-%dT%H:%M:%SZ}</a10:updated></item>\n"
        for n in range(count)
    )
    head = '<rss xmlns:a10="http://www.w3.org/2005/Atom" version="2.0"><channel><title>Azure Status</title><ttl>######</ttl>'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}\n{items}</channel></rss>'.encode()


def _timeline(n: int) -> str:
    return "".join(_blocks(n))


def _blocks(n: int) -> Iterator[str]:
    """An item's updates in Statuspage's HTML, newest first."""
    for k, label in enumerate(LABELS):
        at = _at(n) + timedelta(minutes=300 - 50 * k)
        yield (
            f"<p><small>{at:%b} <var data-var='date'>{at.day}</var>, <var data-var='time'>{at:%H:%M}</var> UTC</small><br>"
            f"<strong>{label}</strong> - {_words(n + k, 3 if k % 2 else 2)}</p>"
        )


def _words(n: int, count: int) -> str:
    said = " ".join(islice(cycle(SENTENCES), n % 7, n % 7 + count))
    return f"{said} ({IN_ITEM.decode() if n == 0 else n})"


def _at(n: int) -> datetime:
    return BEGAN_AT - timedelta(hours=7 * n)


def _link(n: int) -> str:
    return f"https://status.acme.example/incidents/{n:012x}"
