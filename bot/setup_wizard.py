"""`fogbell init`: a few questions, and a configuration file that is known to load. Tokens are named in it, never written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.chats.discord.listen import invite_link
from bot.config import fields, load
from bot.config.problems import did_you_mean
from bot.errors import ConfigError
from bot.sources import catalogue

Ask = Callable[[str], str]
Say = Callable[[str], None]
T = TypeVar("T")

TOKENS = {"slack": ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), "discord": ("DISCORD_TOKEN",)}
TRIES_MAX = 5

_CHAT_TABLES = {
    "slack": (
        "\n# docs/configuration.md says where to get the tokens.\n[chat.slack]\n"
        'bot_token = { env = "SLACK_BOT_TOKEN" }\napp_token = { env = "SLACK_APP_TOKEN" }\n'
    ),
    "discord": (
        '\n# docs/configuration.md says where to get the token.\n[chat.discord]\ntoken = { env = "DISCORD_TOKEN" }\n'
    ),
}
_WHAT_IS_TOLD = (
    "\n# Without a route, chats hear at once of what is major or worse; what is minor waits for their digest at 09:00, and\n"
    "# so does what hits none of your services, once you name some ([[service]]). The console hears everything at once.\n"
    "# docs/routing.md says how to ask for more, and for hours of quiet.\n"
)
_CHANNEL_HELP = {
    "slack": "Slack channel id, such as C0123ABCD",
    "discord": "Discord channel id, such as 998877665544332211",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the questions are about. `chats` maps "slack" and "discord" to a channel's id."""

    name: str = "Fogbell"
    providers: tuple[str, ...] = ("aws", "azure", "gcp", "github", "cloudflare")
    chats: dict[str, str] = field(default_factory=dict)
    health_url: str | None = None


def init(path: Path, *, ask: Ask, say: Say, force: bool = False, yes: bool = False) -> Answers:
    """Ask (or with `yes` take the defaults), write a configuration to `path`, and give what was answered.

    Raises ConfigError when the file is there already and `force` is not given, or when an answer stays wrong.
    """
    if path.exists() and not force:
        raise ConfigError([f"{path}: is there already; --force writes it anew"])
    answers = Answers() if yes else interview(ask, say)
    text = written(answers)
    placeholders = {name: "placeholder" for names in TOKENS.values() for name in names}
    load(text, placeholders, base=path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be written ({exc.strerror}); name another file"]) from exc
    for line in _next_steps(path, answers):
        say(line)
    return answers


def interview(ask: Ask, say: Say) -> Answers:
    """What a person answers; an empty answer takes the default in brackets."""
    usual = Answers()
    say("Fogbell watches status pages and tells your chats. An empty answer takes what is in [brackets].")
    name = _until_right(
        ask, say, f"Name of the bot [{usual.name}]", lambda text: fields.plain_name(text or usual.name)
    )
    known, more = catalogue.hand_kept(), len(catalogue.entries()) - len(catalogue.hand_kept())
    say(f"Providers it knows: {', '.join(entry.name for entry in known)}")
    say(f"and {more} more: `fogbell providers search WORDS` finds them.")
    providers = _until_right(
        ask,
        say,
        f"Which to watch [{', '.join(usual.providers)}]",
        lambda text: _providers(text) or usual.providers,
    )
    chats = {}
    for chat, question in _CHANNEL_HELP.items():
        if _until_right(ask, say, f"Speak in {chat.title()}? [no]", _yes_or_no):
            chats[chat] = _until_right(ask, say, question, partial(_channel, chat))
    url = _until_right(ask, say, "Address of a health check of your own [none]", _url)
    return Answers(name=name, providers=providers, chats=chats, health_url=url)


def written(answers: Answers) -> str:
    """The configuration file that the answers make."""
    parts = [
        "# Written by `fogbell init`; docs/configuration.md explains every setting.\n",
        f"\n[fogbell]\nname = {_text(answers.name)}\n",
    ]
    parts += [_CHAT_TABLES[chat] for chat in answers.chats]
    parts += [f'\n[[source]]\nprovider = "{provider}"\n' for provider in answers.providers]
    if answers.health_url:
        parts.append(f'\n[[check]]\nname = "health"\nkind = "http"\nurl  = {_text(answers.health_url)}\n')
    channels = [f"{chat}:{channel}" for chat, channel in answers.chats.items()]
    listed = ", ".join(f'"{channel}"' for channel in (*channels, "console:main", "terminal:main"))
    parts += [f'\n[[group]]\nname     = "ops"\nchannels = [{listed}]\n', _WHAT_IS_TOLD]
    return "".join(parts)


def _until_right(ask: Ask, say: Say, question: str, read: Callable[[str], T]) -> T:
    for _ in range(TRIES_MAX):
        try:
            return read(ask(f"{question}: ").strip())
        except ValueError as exc:
            say(f"  {exc}")
    raise ConfigError([f"{question}: no usable answer after {TRIES_MAX} tries"])


def _providers(text: str) -> tuple[str, ...]:
    """The catalogue's names for what was typed, with commas or blanks between. Raises ValueError with near misses."""
    wanted = [word for word in (text.split(",") if "," in text else text.split()) if word.strip()]
    entries = {word.strip(): catalogue.find(word) for word in wanted}
    known = [name for entry in catalogue.entries() for name in (entry.name, *entry.aliases)]
    missing = [
        f'"{word}" is not known{did_you_mean(word.casefold(), known)}' for word, e in entries.items() if not e
    ]
    missing += [
        f"{e.title}: only its page is known; `fogbell providers detect {e.homepage}` finds its feed"
        for e in entries.values()
        if e and not e.feeds
    ]
    if missing:
        raise ValueError("; ".join(missing))
    return tuple(dict.fromkeys(entry.name for entry in entries.values() if entry))


def _yes_or_no(text: str) -> bool:
    if text.casefold() in {"y", "yes"}:
        return True
    if text.casefold() in {"", "n", "no"}:
        return False
    raise ValueError("answer yes or no")


def _channel(chat: str, text: str) -> str:
    return fields.channel(f"{chat}:{text.removeprefix(chat + ':')}").partition(":")[2]


def _url(text: str) -> str | None:
    return fields.web_address(text) if text else None


def _text(value: str) -> str:
    """A TOML string; JSON's quoting of printable text is valid there."""
    return json.dumps(value, ensure_ascii=False)


def _next_steps(path: Path, answers: Answers) -> list[str]:
    needed = [name for chat in answers.chats for name in TOKENS[chat]]
    steps = [f"Wrote {path}."]
    if needed:
        steps.append(f"Set {', '.join(needed)} in the environment.")
    if "slack" in answers.chats:
        steps.append("Slack: make the app of docs/slack-manifest.yaml, and /invite it in the channel.")
    if "discord" in answers.chats:
        steps += [
            "Discord: an administrator of the server opens this link, with the Application ID that the developer portal",
            f"shows under General Information: {invite_link('APPLICATION_ID')}",
        ]
    return [*steps, f"Then: fogbell doctor --config {path}", f"And:  fogbell run --config {path}"]
