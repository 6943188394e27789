"""No body is claimed by two formats, but for those that are written like one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sources import FORMATS
from bot.sources.payload import Payload
from tests.sources.feedkit import NOW

FEEDS = Path(__file__).parent / "feeds"
CASES = sorted(p for p in FEEDS.glob("*/*") if not p.name.endswith(".expected.json"))
ALSO = {"google-workspace": {"gcp"}}  # by design: the one in front is the more specific
NOBODYS = {"statuspage/status_only.json"}  # a page's indicator alone


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_body_is_claimed_by_its_own_format_and_no_other(path: Path) -> None:
    """The order of the list may then change, and a new format cannot take what an older one reads."""
    payload = Payload(body=path.read_bytes(), fetched_at=NOW)
    own = path.parent.name

    claimed = {format_.name for format_ in FORMATS.values() if format_.recognises(payload)}

    expected = set() if f"{own}/{path.name}" in NOBODYS else {own}
    assert expected == claimed - ALSO.get(own, set()) - ({"rss"} - {own})


@pytest.mark.parametrize("name", FORMATS)
def test_an_address_alone_makes_no_body_a_formats(name: str) -> None:
    """Error pages are served at every address."""
    hosts = (
        "status.aws.amazon.com/rss/all.rss",
        "status.x.ai/feed.xml",
        "cloud.ibm.com/status/api/notifications/feed.rss",
    )
    more = (
        "status.volcengine.com/rss/zh/cn-beijing/x",
        "ocistatus.oraclecloud.com/api/v2/x",
        "status.cloud.tencent.com/rss/a/b/c",
    )
    for host in (*hosts, *more):
        for body in (b"", b"<html><body>Not found</body></html>", b'{"error": "not found"}', b"[]"):
            assert not FORMATS[name].recognises(Payload(body=body, fetched_at=NOW, url=f"https://{host}"))
