"""Every error Fogbell raises on purpose, and where each is handled.

    BotError
      ConfigError            the configuration is wrong: all mistakes at once          cli: exit 2
      SourceError            a provider's feed
        FetchError           it could not be had: the source is late                   pipeline.watch
          Inside             it leads where only operators may lead us                 pipeline.watch
        ParseError           it was had and makes no sense                             pipeline.watch
      ChatError              carries `chat` and `channel`                              pipeline.outbox
        RateLimited          come back after `after`
        Unavailable          the chat is away: back off
        Refused              for good: park the conversation, tell operators once
        Uncertain            it may have arrived: find() before anything else
      StoreError
        StoreUnavailable     the store does not answer                                 pipeline.supervise
        Conflict             someone committed first: read again                       pipeline.ingest
        LeaseLost            another worker owns it: stop at once                      pipeline.outbox
        NotEmpty             a restore would replace something                         cli
      BackupError            a backup's file cannot be read or written                 cli
      CommandError           shown to the person as words                              commands.dispatch
        UsageError, NotAllowed, NotFound, NotPossible

A message says what went wrong, with which values, and what to do about it.
"""

from __future__ import annotations

from datetime import timedelta


class BotError(Exception):
    """The root: catch it where any deliberate error of Fogbell ends."""


class ConfigError(BotError):
    """The configuration is wrong; `problems` holds one line for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SourceError(BotError):
    """A provider's feed failed us."""


class FetchError(SourceError):
    """The feed could not be had. `retry_after` is what the server asked for, if it did."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Inside(FetchError):
    """An address that nobody of ours chose leads into our own network."""


class ParseError(SourceError):
    """The body is not what its format promises. `partial` holds the observations that could still be read.

    The type of `partial` is `tuple[bot.domain.observation.Observation, ...]`; this module imports nothing of ours.
    """

    def __init__(self, message: str, *, partial: tuple[object, ...] = ()) -> None:
        self.partial = partial
        super().__init__(message)


class Emptied(ParseError):
    """A valid body that lists nothing, from a source that always listed something."""


class ChatError(BotError):
    """A chat did not do what it was asked."""

    def __init__(self, chat: str, channel: str, message: str) -> None:
        self.chat = chat
        self.channel = channel
        super().__init__(f"{chat}:{channel}: {message}")


class RateLimited(ChatError):
    """The chat wants us to come back after `after`."""

    def __init__(self, chat: str, channel: str, after: timedelta) -> None:
        self.after = after
        super().__init__(chat, channel, f"rate limited, again in {after.total_seconds():.1f} s")


class Unavailable(ChatError):
    """The chat is away; nothing was sent. `after` is its own word on when to come back, if it gave one."""

    def __init__(self, chat: str, channel: str, message: str, *, after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(chat, channel, message)


class Refused(ChatError):
    """The chat will never accept this. `remedy` is one sentence for an operator.

    `gone` is True when it was the message that is missing (deleted): posting anew then helps.
    """

    def __init__(
        self, chat: str, channel: str, message: str, *, remedy: str = "", gone: bool = False
    ) -> None:
        self.remedy = remedy
        self.gone = gone
        super().__init__(chat, channel, message)


class Uncertain(ChatError):
    """The call may or may not have arrived (a lost reply, a time-out after sending)."""


class StoreError(BotError):
    """The store did not do what it was asked."""


class StoreUnavailable(StoreError):
    """The store does not answer."""


class Conflict(StoreError):
    """The ledger moved on since it was read: read again and decide again."""


class LeaseLost(StoreError):
    """The fencing token is old: another worker owns this conversation now."""


class NotEmpty(StoreError):
    """A restore would replace what is in the store, and nobody said that it may."""


class BackupError(BotError):
    """The file is no backup, a damaged one, or cannot be written."""


class CommandError(BotError):
    """A command cannot be carried out; the message is for the person who typed it."""


class UsageError(CommandError):
    """The words of the command are off."""


class NotAllowed(CommandError):
    """The person may not do that."""


class NotFound(CommandError):
    """There is nothing of that name."""


class NotPossible(CommandError):
    """It is understood, and cannot be done as things are."""
