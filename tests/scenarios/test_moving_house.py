"""The store moves while the day goes on: from the embedded server to one of the operator's own, by a backup."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.demo import DemoFeeds, demo_config
from bot.store import backup, restoring
from bot.store.embedded import EmbeddedStore
from bot.store.redis import connect
from tests.fakes.slack import FakeSlack
from tests.scenarios.world import world

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
EVENING = datetime(2025, 10, 20, 20, 0, tzinfo=UTC)
PACE = timedelta(minutes=10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lag",
    [timedelta(0), timedelta(hours=1)],
    ids=["exact", "an hour old"],
)
async def test_nothing_is_said_twice_or_lost_when_the_store_moves(
    tmp_path: Path, redis_url: str, lag: timedelta
) -> None:
    """With an hour's lag the chats hold what the backup does not know: it is found there, not posted again."""
    own = EmbeddedStore(tmp_path / "own")
    await own.start()
    out = io.BytesIO()
    async with FakeSlack() as slack:
        config_of = partial(with_slack, slack)
        async with world(tmp_path, own.url, config_of) as day:
            await day.until(NOON - lag, PACE)
            said_at_backup = len(_texts(slack))
            client = connect(own.url)
            await backup.take(client, out, now=day.clock.now(), progress=lambda words: None)
            await client.aclose()
            await day.until(NOON, PACE)
        await own.stop()
        said_before = len(_texts(slack))

        await _restored(out.getvalue(), redis_url)
        async with world(tmp_path, redis_url, config_of, start=NOON) as later:
            await later.at(NOON)
            said_after_move = len(_texts(slack))
            await later.until(EVENING, PACE)
            incidents = [
                i
                for name in await later.app.incidents.providers()
                for i in (await later.app.incidents.read(name)).incidents.values()
                if i.channels
            ]

    texts = _texts(slack)
    aws = next(i for i in incidents if i.provider == "aws")
    assert said_after_move == said_before
    assert (said_before > said_at_backup) is bool(lag)
    for update in aws.updates[1:]:  # the headline carried the first
        assert sum(update.text.split(". ")[0][:40] in text for text in texts) >= 1, "nothing is lost"
    assert set(Counter(texts).values()) == {1}, "nothing is said twice"


def with_slack(slack: FakeSlack, feeds: DemoFeeds) -> str:
    """The demo's configuration with a Slack."""
    text = demo_config(feeds).replace('"terminal:main"]', '"terminal:main", "slack:C1"]')
    return f'{text}\n[chat.slack]\nbot_token = {{ env = "SLACK_BOT_TOKEN" }}\napi_url = "{slack.api_url}"\n'


async def _restored(raw: bytes, url: str) -> None:
    contents = backup.Contents()
    entries = list(backup.read(io.BytesIO(raw), contents))
    client = connect(url)
    await restoring.check(client, contents, is_forced=False)
    await restoring.restore(client, entries, now=NOON, progress=lambda words: None)
    await client.aclose()


def _texts(slack: FakeSlack) -> list[str]:
    """All that the channel holds, with its threads."""
    headlines = slack.messages("C1")
    replies = [reply.text for headline in headlines for reply in slack.thread("C1", headline.ts)]
    return [*(m.text for m in headlines), *replies]
