"""docs/routing.md: its examples load, and do what the page says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from bot.config import load, rules
from bot.domain.channels import quiet_until
from bot.domain.words import Severity

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.S)
AROUND = """
[chat.slack]
bot_token = { env = "T" }
[[service]]
name = "checkout"
[[service]]
name = "search"
[[group]]
name = "ops"
channels = "slack:C0123ABCD"
[[group]]
name = "shop"
channels = "slack:C1"
[[group]]
name = "log"
channels = "slack:C2"
"""


def test_the_examples_of_the_page_load_without_a_warning() -> None:
    found = load(AROUND + "\n".join(BLOCKS), {"T": "xoxb-1"}, base=ROOT)

    assert (len(found.route), len(found.channel), found.warnings) == (3, 1, ())


def test_the_quiet_of_the_page_lasts_over_the_weekend() -> None:
    manners = rules(load(AROUND + BLOCKS[1], {"T": "xoxb-1"}, base=ROOT)).manners["slack:C0123ABCD"]
    friday = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

    assert quiet_until(manners, Severity.SEV3, friday) == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    assert quiet_until(manners, Severity.SEV2, friday) is None
