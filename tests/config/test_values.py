"""What the tables become: sources, checks and rules of the domain."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config import Config, checks, load, rules, sources
from bot.domain.channels import Manners, Span
from bot.domain.checks import Check
from bot.domain.routing import Condition, Group, Mode, Route
from bot.domain.rules import Rules
from bot.domain.services import Need, Service
from bot.domain.words import Impact, Kind, Severity
from bot.sources.payload import SourceSpec


def loaded(text: str) -> Config:
    environ = {"T": "token"}
    return load(text, environ, base=Path("/etc/fogbell"))


def one_source(text: str) -> SourceSpec:
    (spec,) = sources(loaded(f"[[source]]\n{text}"))
    return spec


def test_a_provider_of_the_catalogue_needs_only_its_name() -> None:
    expected = SourceSpec(
        name="github",
        provider="github",
        url="https://www.githubstatus.com/api/v2/summary.json",
        format="statuspage",
        every=timedelta(seconds=60),
    )

    assert expected == one_source('provider = "github"')


def test_an_alias_means_its_provider() -> None:
    assert one_source('provider = "claude"').provider == "anthropic"


def test_a_second_feed_of_a_provider_is_chosen_by_format_and_shares_its_ledger() -> None:
    spec = one_source('provider = "aws"\nformat = "aws-rss"')

    assert (spec.name, spec.provider, spec.format) == ("aws-rss", "aws", "aws-rss")
    assert spec.url == "https://status.aws.amazon.com/rss/all.rss"


def test_a_source_may_keep_the_providers_name_and_have_an_address_of_its_own() -> None:
    spec = one_source('provider = "aws"\nname = "aws-mirror"\nurl = "http://10.0.0.1/aws.json"\nevery = "2m"')

    assert (spec.name, spec.provider) == ("aws-mirror", "aws")
    assert (spec.url, spec.format, spec.every) == ("http://10.0.0.1/aws.json", None, timedelta(minutes=2))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://status.acme.example", "https://status.acme.example/api/v2/summary.json"),
        ("https://status.acme.example/", "https://status.acme.example/api/v2/summary.json"),
        ("https://status.acme.example/history.rss", "https://status.acme.example/history.rss"),
        ("https://status.acme.example/?feed=rss", "https://status.acme.example/?feed=rss"),
    ],
)
def test_a_bare_address_is_taken_for_a_statuspage(url: str, expected: str) -> None:
    spec = one_source(f'name = "acme"\nurl = "{url}"')

    assert (expected, "acme") == (spec.url, spec.provider)


def test_filters_and_the_leave_to_go_inside_are_handed_on() -> None:
    spec = one_source(
        'provider = "aws"\nregions = "us-east-1"\ncomponents = ["EC2", "S3"]\nallow_private = true'
    )

    assert (spec.regions, spec.components, spec.allow_private) == (("us-east-1",), ("EC2", "S3"), True)


def test_every_setting_of_a_check_arrives() -> None:
    config = loaded(
        """
        [[service]]
        name = "checkout"
        [[check]]
        name          = "checkout-http"
        url           = "https://shop.example/health"
        every         = "15s"
        timeout       = "3s"
        fail_after    = 4
        pass_after    = 1
        expect_status = 204
        expect_text   = "ok"
        slower_than   = "800ms"
        service       = "checkout"
        """
    )

    assert checks(config) == (
        Check(
            name="checkout-http",
            kind="http",
            target="https://shop.example/health",
            service="checkout",
            every=timedelta(seconds=15),
            timeout=timedelta(seconds=3),
            fail_after=4,
            pass_after=1,
            expect_status=(204,),
            expect_text="ok",
            slower_than=timedelta(milliseconds=800),
        ),
    )


def test_every_setting_of_the_rules_arrives() -> None:
    config = loaded(
        """
        [chat.slack]
        bot_token = { env = "T" }
        [[source]]
        provider = "aws"
        [[source]]
        name = "acme"
        url  = "https://status.acme.example/feed"
        [[service]]
        name  = "checkout"
        tier  = 1
        owner = "payments"
        title = "Checkout"
        needs = ["aws/dynamodb@us-east-1", "acme?"]
        [[group]]
        name     = "ops"
        mode     = "first_up"
        channels = ["slack:C0123", "console:main"]
        [[route]]
        to = "ops"
        [route.when]
        severity = "SEV3+"
        impact   = "major+"
        provider = ["amazon", "self"]
        service  = "checkout"
        region   = "us-east-1"
        kind     = "maintenance"
        [rules]
        reopen_within      = "1h"
        lapse_after        = "2d"
        retroactive_within = "6h"
        remember_for       = "10d"
        """
    )

    assert rules(config) == Rules(
        services=(
            Service(
                name="checkout",
                tier=1,
                owner="payments",
                title="Checkout",
                needs=(
                    Need(provider="aws", component="dynamodb", region="us-east-1"),
                    Need(provider="acme", is_soft=True),
                ),
            ),
        ),
        routes=(
            Route(
                to=("ops",),
                worst=Severity.SEV3,
                impact=Impact.MAJOR,
                providers=("aws", "self"),
                services=("checkout",),
                regions=("us-east-1",),
                kinds=(Kind.MAINTENANCE,),
            ),
            Route(to=("ops",), kinds=(Kind.BLINDNESS,)),
        ),
        groups=(Group(name="ops", mode=Mode.FIRST_UP, channels=("slack:C0123", "console:main")),),
        reopen_within=timedelta(hours=1),
        lapse_after=timedelta(days=2),
        retroactive_within=timedelta(hours=6),
        remember_for=timedelta(days=10),
        names=(("aws", "AWS"),),
        usual=Manners(zone=ZoneInfo("UTC")),
        digest_to=("ops",),
        watched=frozenset({"acme", "aws"}),
    )


def test_the_defaults_of_the_rules_are_those_of_the_domain() -> None:
    expected, found = Rules(), rules(loaded(""))

    assert (expected.reopen_within, expected.lapse_after) == (found.reopen_within, found.lapse_after)
    assert (expected.retroactive_within, expected.remember_for) == (
        found.retroactive_within,
        found.remember_for,
    )


def test_the_defaults_of_a_check_are_those_of_the_domain() -> None:
    (found,) = checks(loaded('[[check]]\nname = "c"\nurl = "http://x"'))

    assert Check(name="c", kind="http", target="http://x") == found


def test_without_groups_everything_is_told_on_the_console_and_the_terminal() -> None:
    found = rules(loaded(""))

    assert [group.channels for group in found.groups] == [("console:main", "terminal:main")]
    assert found.routes == (Route(to=("everywhere",)), Route(to=("everywhere",), kinds=(Kind.BLINDNESS,)))


def test_without_routes_every_group_hears_at_once_of_what_matters_and_the_console_of_everything() -> None:
    found = rules(loaded(GROUPS))

    assert found.routes == (Route(to=("a", "b"), is_usual=True), Route(to=("a",), kinds=(Kind.BLINDNESS,)))
    assert found.always == ("console:a",)
    assert found.digest_to == ("a", "b")


GROUPS = """
[chat.slack]
bot_token = { env = "T" }
[[group]]
name = "a"
channels = ["slack:C1", "console:a"]
[[group]]
name = "b"
mode = "first_up"
channels = ["slack:C2", "console:b"]
"""


def test_a_route_is_loud_and_everybody_who_is_not_matched_may_wait() -> None:
    found = rules(loaded(GROUPS + '[[route]]\nto = "a"\n'))

    assert found.routes[0] == Route(to=("a",))
    assert (found.always, found.digest_to) == ((), ("a", "b"))


def test_a_route_knows_exceptions_patterns_tiers_and_whom_to_call() -> None:
    text = """
[[route]]
when = { component = "dynamo*", region = ["us-*"], tier = "1-2" }
unless = { impact = "critical", provider = "gcp" }
to = "a"
digest = true
stop = true
mention = { SEV1 = ["slack:S1", "slack:U2"], SEV2 = "slack:S1" }
"""

    assert rules(loaded(GROUPS + text)).routes[0] == Route(
        to=("a",),
        components=("dynamo*",),
        regions=("us-*",),
        tiers=(1, 2),
        unless=Condition(impact=Impact.CRITICAL, providers=("gcp",)),
        is_digest=True,
        is_last=True,
        mentions=((Severity.SEV1, ("slack:S1", "slack:U2")), (Severity.SEV2, ("slack:S1",))),
    )


def test_who_has_digests_may_be_said_and_nobody_is_somebody_too() -> None:
    assert rules(loaded('[fogbell]\ndigest = "b"\n' + GROUPS)).digest_to == ("b",)
    assert rules(loaded("[fogbell]\ndigest = []\n" + GROUPS)).digest_to == ()


def test_a_channel_has_the_manners_of_its_table_and_the_zone_of_the_bot() -> None:
    text = """
[[calendar]]
name = "nights"
spans = [{ days = "mon-fri", from = "22:00", to = "7:00" }, { days = ["sat", "sun"] }]
[[channel]]
id = "slack:C1"
language = "de-AT"
quiet = ["nights", { days = "fri-mon", from = "18:00", to = "24:00" }, { calendar = "nights" }]
speaks_from = "never"
digest_at = ["09:00", "17:30"]
posts_per_hour = 20
mentions_per_hour = 0
pins = false
[[channel]]
id = "slack:C2"
time_zone = "Asia/Tokyo"
quiet = "nights"
"""
    nights = (Span(days=frozenset(range(5)), start=time(22), end=time(7)), Span(days=frozenset({5, 6})))

    found = rules(loaded('[fogbell]\ntime_zone = "Europe/Berlin"\n' + GROUPS + text))

    assert found.manners == {
        "slack:C1": Manners(
            language="de",
            zone=ZoneInfo("Europe/Berlin"),
            quiet=(*nights, Span(days=frozenset({4, 5, 6, 0}), start=time(18), end=time(0)), *nights),
            speaks_from=None,
            digest_at=(time(9), time(17, 30)),
            posts_per_hour=20,
            mentions_per_hour=0,
            pins=False,
        ),
        "slack:C2": Manners(zone=ZoneInfo("Asia/Tokyo"), quiet=nights),
    }
    assert found.manners_of("slack:C3") == Manners(zone=ZoneInfo("Europe/Berlin"))


def test_what_sources_are_narrowed_to_is_what_somebody_named() -> None:
    text = '[[source]]\nprovider = "aws"\nregions = ["us-east-1", "global"]\ncomponents = "EC2"\n'

    found = rules(loaded(text + '[[source]]\nprovider = "gcp"'))

    assert found.watched == {"aws", "gcp"}
    assert [need.words for need in found.named] == ["aws/EC2@us-east-1", "aws/EC2@global"]


def test_a_source_may_say_what_people_call_its_provider() -> None:
    named = loaded(
        '[[source]]\nname = "acme"\ntitle = "Acme Cloud"\nurl = "https://status.acme.example/api/v2/summary.json"\n'
    )

    assert rules(named).names == (("acme", "Acme Cloud"),)
