"""Services of the library Apprise as a chat: each [[chat.apprise]] table is a channel of it, by its name.

Messages are posted and never touched again. Of the library only its plugins are used, one call of `notify` in a thread: its own
retries, rate-limiting sleeps, templates, redirects and files on disk are left out or turned off. Made by `wiring`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.conversion import convert_between
from apprise.manager_plugins import NotificationManager

from bot.chats.apprise import failures, render
from bot.chats.apprise.failures import APPRISE
from bot.domain.card import Card, Tone
from bot.domain.conversation import Limits, Receipt
from bot.errors import ChatError, ConfigError, RateLimited, Refused, Unavailable, Uncertain
from bot.ports import Clock

TIMEOUT = timedelta(seconds=10)
CONNECT_S = 4.0
DOUBT = timedelta(minutes=5)  # how long a failure speaks against a service
FITTINGS_MAX = 4  # then the library cuts what is left over
COUNTER_CHARS = 16  # it keeps about as many free for a counter of parts, which we never need
PLUGINS = "apprise.plugins."  # anything else was added from outside, and runs whatever it likes

# Plugins that talk to this machine: its desktop, its log, its hardware, its programs.
LOCAL = frozenset({"blink1", "dbus", "deltachat", "glib", "gnome", "macosx", "syslog", "windows"})

_TYPES = {
    Tone.CRITICAL: NotifyType.FAILURE,
    Tone.MAJOR: NotifyType.FAILURE,
    Tone.MINOR: NotifyType.WARNING,
    Tone.INFO: NotifyType.INFO,
    Tone.MAINTENANCE: NotifyType.INFO,
    Tone.OVER: NotifyType.SUCCESS,
}


class AppriseChat:
    """A chat with one channel for each service. `urls` are Apprise's, by the channel's name; `bot` is what we are called.

    Raises ConfigError for addresses that no plugin understands.
    """

    name = APPRISE
    limits = Limits(threads=False, edits=False, find=False, gathers=True, bundles=True)

    def __init__(
        self, urls: Mapping[str, str], *, clock: Clock, bot: str = "Fogbell", timeout: timedelta = TIMEOUT
    ) -> None:
        self._clock = clock
        self._sinks: dict[str, _Sink] = {}
        wrong = []
        for name, url in urls.items():
            try:
                self._sinks[name] = _Sink(name, plugin_of(url, bot=bot), timeout=timeout)
            except ConfigError as exc:
                wrong.append(f'chat.apprise: the url of "{name}": {exc}')
        if wrong:
            raise ConfigError(wrong)

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message. There are no threads, and `key` only names it in our own books."""
        sink = self._sinks.get(channel)
        if sink is None:
            remedy = (
                f'Add a table [[chat.apprise]] with name = "{channel}", or name another channel in the group.'
            )
            raise Refused(self.name, channel, "there is no service of that name", remedy=remedy)
        failure = await sink.say(card)
        at = self._clock.now()
        is_away = isinstance(failure, Unavailable | Uncertain)
        sink.away = (at, failure) if is_away and failure else None
        if failure is not None:
            raise failure
        return Receipt(channel=channel, message=key, at=at)

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Nothing: what was sent stays."""

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """None: what was sent cannot be looked up."""
        return None

    async def ping(self) -> None:
        """Return unless every service failed lately. There is no call that all of them answer and nobody reads, so that
        after DOUBT without a try the next message is the test."""
        since = self._clock.now() - DOUBT
        away = [sink.away for sink in self._sinks.values()]
        failed = [failure for at, failure in filter(None, away) if at > since]
        if failed and len(failed) == len(away):
            raise Unavailable(self.name, failed[0].channel, "the last message failed")

    async def close(self) -> None:
        """Let go of threads; one that still waits for an answer ends with it."""
        for sink in self._sinks.values():
            sink.close()


def plugin_of(url: str, *, bot: str = "Fogbell") -> NotifyBase:
    """The library's plugin for an address. Raises ConfigError with words that do not repeat the address."""
    failures.take_the_log()
    schema, sep, _ = url.partition("://")
    plugins = NotificationManager()  # type: ignore[no-untyped-call]
    if not sep or schema not in plugins:
        raise ConfigError(["it does not begin with a service that Apprise knows, as ntfys:// or mailtos://"])
    kind = plugins[schema]
    if not kind.__module__.startswith(PLUGINS) or _file(kind) in LOCAL:
        raise ConfigError(
            [f"{schema}:// speaks to this machine alone: name a service that people read elsewhere"]
        )
    if not kind.enabled:
        raise ConfigError(
            [f"{schema}:// needs a package that is not installed: see Apprise's page on {kind.service_name}"]
        )
    plugin = Apprise.instantiate(url, asset=_asset(bot))
    if plugin is None:
        raise ConfigError([f"it is not complete: see Apprise's page on {kind.service_name}"])
    return plugin


class _Sink:
    """One service. Its calls go one after the other, in a thread of its own: one that hangs holds up no other service."""

    def __init__(self, name: str, plugin: NotifyBase, *, timeout: timedelta) -> None:
        self.away: tuple[datetime, ChatError] | None = None  # when and how the last message failed, if it did
        self._name = name
        self._timeout_s = timeout.total_seconds()
        plugin.redirects = False  # a redirected POST becomes a GET, and the message is lost
        plugin.socket_connect_timeout = min(CONNECT_S, self._timeout_s / 2)
        plugin.socket_read_timeout = self._timeout_s * 0.8
        plugin.throttle = partial(_never_sleep, name)  # type: ignore[method-assign]
        self._plugin = plugin
        self._markup = plugin.resolve_format(NotifyFormat.TEXT)
        self._targets = len(plugin) // (plugin.retry + 1)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix=f"apprise-{name}")

    async def say(self, card: Card) -> ChatError | None:
        """Send it; the error, or None when the service took it."""
        asked = self._thread.submit(self._call, card)
        answer = asyncio.wrap_future(asked)
        answer.add_done_callback(_forget)
        try:
            await asyncio.wait({answer}, timeout=self._timeout_s)
        finally:
            never_began = asked.cancel()  # it still stood in line, and must not be sent after we gave it up
        if never_began:
            return Unavailable(APPRISE, self._name, "an earlier message is still being sent")
        if not asked.done():
            return Uncertain(APPRISE, self._name, "it did not answer in time")
        if broken := asked.exception():  # its words may hold anything
            return Uncertain(APPRISE, self._name, f"the plugin broke ({type(broken).__name__})")
        return asked.result()

    def close(self) -> None:
        """What stands in line is not sent."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _call(self, card: Card) -> ChatError | None:
        """In the thread: the error, or None when the service took it."""
        title, body = self._fitted(card)
        with failures.listening() as heard:
            try:
                is_sent = self._plugin.notify(
                    title=title,
                    body=body,
                    notify_type=_TYPES[card.tone],
                    body_format=self._markup,
                    overflow=OverflowMode.TRUNCATE,  # never split
                )
            except RateLimited as exc:
                is_sent, heard.wait = False, exc
        return None if is_sent else failures.judged(self._name, heard, targets=self._targets)

    def _fitted(self, card: Card) -> tuple[str, str]:
        """Title and text, in the service's markup. Escaping makes a text longer, so that it may have to be cut again."""
        plugin, markup = self._plugin, self._markup
        most = plugin.body_maxlen - plugin.overflow_buffer
        if plugin.overflow_amalgamate_title:  # the title counts as part of the text
            most -= render.TITLE_MAX_CHARS + COUNTER_CHARS
        room = render.Room(title=plugin.title_maxlen, body=most, lines=plugin.body_max_line_count)
        for _ in range(FITTINGS_MAX):
            title, body = render.message(card, room)
            written = _written(body, card.url or "", markup)
            if len(written) <= most:
                break
            room = replace(room, body=room.body * most // len(written))
        return title, written


def _never_sleep(name: str, last_io: object = None, wait: float | None = None) -> None:
    """In place of the plugin's throttle, which sleeps: pace and waits are the outbox's matter."""
    if wait:
        raise RateLimited(APPRISE, name, timedelta(seconds=wait))  # for `_call`, past the plugin


def _asset(bot: str) -> AppriseAsset:
    """What all plugins share: our name, no pictures from the library's own site, nothing on disk."""
    return AppriseAsset(
        app_id=bot,
        app_desc=bot,
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask="",
        http_redirects=False,
        storage_mode="memory",
    )


def _written(text: str, url: str, markup: NotifyFormat) -> str:
    """Plain text in a service's markup, with nothing in it taken for markup; a link that was escaped would lead nowhere."""
    convert = partial(convert_between, NotifyFormat.TEXT, markup)
    written = str(convert(text))
    return written.replace(convert(url), url) if url and markup is NotifyFormat.MARKDOWN else written


def _file(plugin: type[NotifyBase]) -> str:
    return plugin.__module__.removeprefix(PLUGINS).partition(".")[0]


def _forget(answer: asyncio.Future[ChatError | None]) -> None:
    """Look at the outcome of a call that was given up, or asyncio complains that nobody did."""
    if not answer.cancelled():
        answer.exception()
