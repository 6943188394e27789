"""One model for each table of the configuration file; routes and channels are in `channels`. `TABLES` and `LISTS` name all.

What they mean together is checked in `references`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bot.config.channels import CalendarTable, ChannelTable, RouteTable
from bot.config.fields import (
    Channel,
    CheckPace,
    Duration,
    FilePath,
    GatewayUrl,
    HeaderName,
    HeaderSecret,
    HookSecret,
    HookUrl,
    Host,
    Listed,
    Name,
    Names,
    NeedField,
    Networks,
    Pace,
    Positive,
    PublicUrl,
    PulsePace,
    PulseUrl,
    PushSecret,
    ServiceUrl,
    SlashCommand,
    Slug,
    StoreUrl,
    Tables,
    TimeZone,
    Url,
    needed_alone,
)
from bot.config.secrets import SecretField
from bot.config.table import Table
from bot.domain.routing import Mode
from bot.sources.fetching.auth import MICROSOFT_LOGIN

AUTH_NEEDS = {
    "header": {"header", "value"},
    "bearer": {"bearer"},
    "basic": {"user", "password"},
    "microsoft": {"tenant", "client_id", "client_secret"},
}
HttpStatus = Annotated[int, Field(ge=100, le=599)]


class About(Table):
    """[fogbell]: the bot itself."""

    name: Name = "Fogbell"
    time_zone: TimeZone = "UTC"
    data: FilePath = Path("./data")
    log: Literal["text", "json"] = "text"
    contact: str = Field(default="", pattern=r"^[\x20-\x7e]{0,100}$")
    operators: Names = ()
    digest: Names | None = None
    requests_per_second: int = Field(default=200, ge=1, le=10_000)
    allow_networks: Networks = ()
    people_urls_by_proxy: bool = False


class Store(Table):
    """[store]: where incidents and conversations are kept; without `url`, an embedded server below the data folder."""

    url: StoreUrl | None = None
    wait_replicas: int | None = Field(default=None, ge=0, le=5)


class Console(Table):
    """[console]: the web page."""

    host: Host = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    token: SecretField | None = None
    public_url: PublicUrl | None = None


class Pulse(Table):
    """[pulse]: a sign of life for a service that raises the alarm when it stays away."""

    url: PulseUrl | None = None
    every: PulsePace = timedelta(seconds=60)
    method: Literal["GET", "POST"] = "GET"


class Workspace(Table):
    """[[chat.slack.workspace]]: one of several workspaces, each with its own app."""

    name: Slug
    bot_token: SecretField
    app_token: SecretField | None = None
    api_url: Url = "https://slack.com/api/"
    command: SlashCommand = "/incident"


class Slack(Table):
    """[chat.slack]: the workspace, or several."""

    workspace: tuple[Workspace, ...] = ()
    bot_token: Annotated[SecretField | None, AfterValidator(needed_alone)] = None
    app_token: SecretField | None = None
    api_url: Url = "https://slack.com/api/"
    command: SlashCommand = "/incident"

    @property
    def workspaces(self) -> dict[str, Workspace]:
        """Every workspace by the name of its chat: "slack" for this table's own, "slack-acme" for the one called acme."""
        found = {f"slack-{table.name}": table for table in self.workspace}
        if self.bot_token is None:
            return found
        own = self.model_dump(include={"bot_token", "app_token", "api_url", "command"})
        return {"slack": Workspace.model_construct(name="", **own), **found}


class Discord(Table):
    """[chat.discord]."""

    token: SecretField
    api_url: Url = "https://discord.com/api/v10"
    gateway_url: GatewayUrl | None = None


class AppriseService(Table):
    """[[chat.apprise]]: a service of the library Apprise."""

    name: Slug
    url: ServiceUrl


class WebhookTable(Table):
    """[[chat.webhook]]: an address that takes signed events."""

    name: Slug
    url: HookUrl
    secret: HookSecret
    old_secret: HookSecret | None = None


class Chats(Table):
    """[chat]: the chats that are in use."""

    slack: Slack | None = None
    discord: Discord | None = None
    apprise: Annotated[tuple[AppriseService, ...], Tables] = ()
    webhook: Annotated[tuple[WebhookTable, ...], Tables] = ()


class SourceAuth(Table):
    """[source.auth]: what opens a private feed: a header, a bearer token, a user's password or an app of Microsoft's."""

    kind: Literal["header", "bearer", "basic", "microsoft"] | None = None
    header: HeaderName | None = None
    value: HeaderSecret | None = None
    bearer: HeaderSecret | None = None
    user: str | None = None
    password: SecretField | None = None
    tenant: Slug | None = None
    client_id: str | None = None
    client_secret: SecretField | None = None
    login_url: Url = MICROSOFT_LOGIN

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        """Finds out the kind from what is given, and refuses what is of no kind or of two."""
        given = self.model_fields_set - {"kind", "login_url"}
        found = next((kind for kind, needs in AUTH_NEEDS.items() if given == needs), None)
        if found is None or self.kind not in {None, found}:
            ways = "; or ".join(" and ".join(sorted(needs)) for needs in AUTH_NEEDS.values())
            raise ValueError(f"needs {ways}")
        return self


class Source(Table):
    """[[source]]: a provider's feed, by the catalogue's name or by address."""

    provider: Slug | None = None
    name: Slug | None = None
    title: str | None = Field(default=None, min_length=1, max_length=60)
    url: Url | None = None
    format: str | None = None
    every: Pace | None = None
    live_every: Pace | None = None
    boost_every: Pace | None = None
    cloud: Slug | None = None
    regions: Names = ()
    components: Names = ()
    allow_private: bool = False
    push: PushSecret | None = None
    auth: SourceAuth | None = None


class ServiceTable(Table):
    """[[service]]: something of ours that customers use."""

    name: Name
    tier: int = Field(default=2, ge=1, le=4)
    owner: str | None = None
    title: str | None = None
    needs: Annotated[tuple[NeedField, ...], Listed] = ()


class CheckTable(Table):
    """[[check]]: a health check of our own."""

    name: Name
    kind: Literal["http"] = "http"
    url: Url
    every: CheckPace = timedelta(seconds=30)
    timeout: Positive = timedelta(seconds=10)
    fail_after: int = Field(default=3, ge=1)
    pass_after: int = Field(default=2, ge=1)
    expect_status: Annotated[tuple[HttpStatus, ...], Listed] = ()
    expect_text: str | None = Field(default=None, min_length=1)
    slower_than: Positive | None = None
    service: str | None = None


class GroupTable(Table):
    """[[group]]: channels that belong together."""

    name: Name
    mode: Mode = Mode.ALL
    channels: Annotated[tuple[Channel, ...], Listed] = Field(min_length=1)


class Notices(Table):
    """[notices]: texts for customers."""

    templates: FilePath | None = None
    names_providers: bool = False


class Windows(Table):
    """[rules]: time spans of the rules."""

    reopen_within: Duration = timedelta(hours=2)
    lapse_after: Positive = timedelta(hours=24)
    retroactive_within: Duration = timedelta(days=1)
    remember_for: Positive = timedelta(days=30)
    audit_for: Positive = timedelta(days=90)


TABLES: dict[str, type[Table]] = {
    "fogbell": About,
    "store": Store,
    "console": Console,
    "pulse": Pulse,
    "chat": Chats,
    "notices": Notices,
    "rules": Windows,
}
LISTS: dict[str, type[Table]] = {
    "source": Source,
    "service": ServiceTable,
    "check": CheckTable,
    "group": GroupTable,
    "route": RouteTable,
    "calendar": CalendarTable,
    "channel": ChannelTable,
}
