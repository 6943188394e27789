"""Loading the configuration: every mistake at once, by its place, with the near miss; and what good ones mean."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import Config, load
from bot.config.fields import duration_words, parse_duration
from bot.errors import ConfigError

SECRET = "xoxb-1-hunter2"
ENVIRON = {"SLACK": SECRET, "DISCORD": "disc-hunter2", "REDIS": "redis://:hunter2@db:6379/0"}


def loaded(text: str, **environ: str) -> Config:
    return load(text, ENVIRON | environ, base=Path("/etc/fogbell"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return caught.value.problems


SLACK = '[chat.slack]\nbot_token = { env = "SLACK" }\n'
OPS = '[[group]]\nname = "ops"\nchannels = "console:main"\n'
MAIN = OPS + '[[channel]]\nid = "console:main"\n'
GITHUB = '[[source]]\nprovider = "github"\n'


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert loaded('\ufeff[fogbell]\nname = "Bell"').fogbell.name == "Bell"


def test_a_contact_cannot_add_headers() -> None:
    assert problems('[fogbell]\ncontact = "a\\r\\nX-Evil: 1"') == [
        "fogbell.contact: must be one short line of plain letters"
    ]


def test_an_empty_file_is_a_configuration_with_nothing_to_watch() -> None:
    config = loaded("")

    assert (config.fogbell.name, config.console.port, config.store.url) == ("Fogbell", 8080, None)
    assert (config.source, config.warnings) == ((), ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[fogbel]", 'fogbel: unknown; did you mean "fogbell"?'),
        ('[fogbell]\nnam = "x"', 'fogbell.nam: unknown; did you mean "name"?'),
        (GITHUB + 'evry = "60s"', 'source.0.evry: unknown; did you mean "every"?'),
        ("[fogbell]\nzzz = 1", "fogbell.zzz: unknown"),
        ("[chat.slak]", 'chat.slak: unknown; did you mean "slack"?'),
        (SLACK + 'comand = "/x"', 'chat.slack.comand: unknown; did you mean "command"?'),
        (
            OPS + '[[route]]\nto = "ops"\nwhen = { imapct = "major" }',
            'route.0.when.imapct: unknown; did you mean "impact"?',
        ),
        ('[source]\nprovider = "aws"', "source: write [[source]], with two brackets: there may be several"),
        ("[[console]]", "console: must be a table"),
        ("source = [3]", "source.0: must be a table"),
        (
            '[fogbell]\ntime_zone = "Mars"',
            'fogbell.time_zone: "Mars" is not a time zone: write one as "UTC" or "Europe/Berlin"',
        ),
        ('[fogbell]\nlog = "jsn"', 'fogbell.log: "jsn" is not one of "text", "json"; did you mean "json"?'),
        ('[console]\nport = "a"', "console.port: must be a whole number"),
        ("[console]\nport = 70000", "console.port: 70000 is more than 65535"),
        (GITHUB + 'every = "900ms"', "source.0.every: 900ms is less than 1s"),
        (GITHUB + "every = 60", 'source.0.every: write a time span in quotation marks, as "60s" or "5m"'),
        (
            GITHUB + 'every = "1 week"',
            'source.0.every: "1 week" is not a time span: write "60s", "5m" or "2h30m"',
        ),
        (GITHUB + "url = 3", "source.0.url: must be text in quotation marks"),
        (GITHUB + 'url = "x.example"', "source.0.url: is not a web address: write https://... or http://..."),
        (GITHUB + "regions = { a = 1 }", "source.0.regions: must be a list"),
        ('[[service]]\nname = "a"\ntier = 5', "service.0.tier: 5 is more than 4"),
        ("[[service]]\ntier = 1", "service.0.name: is missing"),
        (
            '[[service]]\nname = "a"\nneeds = "service:b"\n[[service]]\nname = "zzz"',
            'service.0.needs.0: no service is called "b"',
        ),
        ('[[service]]\nname = "a"\nneeds = "service:a"', "service.0.needs.0: a needs itself"),
        ('[[check]]\nname = "c"\nurl = "http://x"\nfail_after = 0', "check.0.fail_after: 0 is less than 1"),
        (
            '[[check]]\nname = "c"\nurl = "http://x"\nkind = "htpp"',
            'check.0.kind: "htpp" is not one of "http"; did you mean "http"?',
        ),
        (
            '[[check]]\nname = "c"\nurl = "http://x"\nexpect_status = [200, 9]',
            "check.0.expect_status.1: 9 is less than 100",
        ),
        (
            '[[check]]\nname = "c"\nurl = "http://x"\nservice = "s"',
            'check.0.service: no service is called "s"',
        ),
        ('[[group]]\nname = "g"\nchannels = []', "group.0.channels: is empty"),
        (
            '[[group]]\nname = "g"\nchannels = "slack:C123"',
            "group.0.channels.0: slack:C123 needs a table [chat.slack]",
        ),
        (
            '[[group]]\nname = "ops"\nchannels = "console:main"\n[[route]]\nto = "opps"',
            'route.0.to: no group is called "opps"; did you mean "ops"?',
        ),
        ("[[route]]\nto = []", "route.0.to: is empty"),
        (
            OPS + '[[route]]\nto = "ops"\nunless = { regoin = "eu" }',
            'route.0.unless.regoin: unknown; did you mean "region"?',
        ),
        (
            OPS + '[[route]]\nto = "ops"\nunless = {}',
            "route.0.unless: is empty, so that the route would never speak",
        ),
        (
            OPS + '[[route]]\nto = "ops"\nunless = { service = "a" }',
            'route.0.unless.service: no service is called "a"',
        ),
        (
            OPS + '[[route]]\nto = "ops"\nwhen = { tier = "0-2" }',
            'route.0.when.tier: "0-2" is no tier: write "1" or "1-2"',
        ),
        (
            OPS + '[[route]]\nto = "ops"\nmention = { SEV9 = "slack:S1" }',
            'route.0.mention.SEV9: "SEV9" is no severity: write SEV1, SEV2, SEV3 or SEV4',
        ),
        (
            OPS + '[[route]]\nto = "ops"\nmention = { SEV1 = "@here" }',
            'route.0.mention.SEV1.0: "@here" calls nobody: write "slack:S0123ABCD" (a user group), "slack:U0123ABCD",'
            ' "discord:role:456" or "discord:user:1"',
        ),
        (
            OPS + '[[route]]\nto = "ops"\nmention = { SEV1 = "slack:S1" }',
            "route.0.mention.SEV1: slack:S1 needs a table [chat.slack]",
        ),
        (
            '[fogbell]\ndigest = "opps"\n' + OPS,
            'fogbell.digest: no group is called "opps"; did you mean "ops"?',
        ),
        (MAIN + 'quiet = "night"', 'channel.0.quiet.0: no calendar is called "night"'),
        (
            MAIN + 'quiet = { days = "mo" }',
            'channel.0.quiet.0.days: "mo" is no day: write "mon-fri", "sat" or ["mon", "wed"]',
        ),
        (MAIN + 'quiet = { form = "22:00" }', "channel.0.quiet.0.form: unknown"),
        (
            MAIN + 'quiet = { from = "25:00" }',
            'channel.0.quiet.0.from: "25:00" is no time of day: write "22:00"',
        ),
        (
            MAIN + 'quiet = { calendar = "x", days = "mon" }',
            "channel.0.quiet.0: has a calendar and times of its own: write two entries",
        ),
        (
            MAIN + "quiet = {}",
            "channel.0.quiet: leaves no minute of the week, so that nothing would ever be said there",
        ),
        (MAIN + 'speaks_from = "SEV5"', 'channel.0.speaks_from: write "SEV1", "SEV2" ... or "never"'),
        (
            MAIN + 'language = "tlh"',
            'channel.0.language: "tlh" is no language that Fogbell speaks: write one of en, de, fr, es, pt, ja',
        ),
        (
            MAIN + '[[channel]]\nid = "console:main"',
            "channel.1.id: console:main has a table already, channel.0",
        ),
        (
            '[[calendar]]\nname = "a"\nspans = []',
            "calendar.0.spans: is empty",
        ),
        (
            '[[source]]\nprovider = "gihub"',
            'source.0.provider: "gihub" is not in the catalogue; did you mean "github"?',
        ),
        ('[[source]]\nprovider = "zzz"', 'source.0.provider: "zzz" is not in the catalogue; give its url'),
        ('[[source]]\nname = "acme"', 'source.0: needs provider = "..." of the catalogue, or name and url'),
        (
            '[[source]]\nurl = "https://a.example"',
            'source.0.name: is missing: say who this is, as name = "acme"',
        ),
        (
            GITHUB + 'format = "gcp"',
            'source.0.format: the catalogue knows github as "statuspage", "rss"; for "gcp" give a url',
        ),
        (
            GITHUB + GITHUB,
            'source.1.name: "github" is the name of source.0 already; give each source a name of its own',
        ),
        (
            '[console]\nhost = "0.0.0.0"',
            'console.token: is needed where host is not of this machine: token = { env = "FOGBELL_TOKEN" }',
        ),
        (
            '[store]\nurl = "http://x"',
            "store.url: is not a store's address: write one of redis://, rediss://, unix://, redis+sentinel://, "
            "rediss+sentinel://, redis+cluster://, rediss+cluster://",
        ),
        (
            '[chat.discord]\ntoken = { env = "NOPE" }',
            "chat.discord.token: the environment variable NOPE is not set: set it, or comment this table out",
        ),
        ("[chat.discord]", "chat.discord.token: is missing"),
    ],
)
def test_a_mistake_is_named_by_its_place_with_what_to_write(text: str, line: str) -> None:
    assert [line] == problems(text)


@pytest.mark.parametrize("written", ["component = []", 'region = ""', 'provider = [" "]', "kind = []"])
def test_a_condition_that_names_nothing_is_refused(written: str) -> None:
    """It would match everything, which nobody means who writes it: a template was filled with nothing."""
    key = written.partition(" ")[0]

    assert problems(f'{OPS}[[route]]\nto = "ops"\nwhen = {{ {written} }}') == [
        f"route.0.when.{key}: names nothing: leave it out, or name something"
    ]


@pytest.mark.parametrize("severity", ["SEV2", "SEV5+", "2", "sev3+"])
def test_a_severity_that_cannot_be_a_least_one_is_refused(severity: str) -> None:
    text = f'[[group]]\nname = "g"\nchannels = "console:main"\n[[route]]\nto = "g"\nwhen = {{ severity = "{severity}" }}'

    assert problems(text)[0].startswith("route.0.when.severity: write ")


@pytest.mark.parametrize("channel", ["slack:#ops", "irc:x", "discord:general", "console:", "C0123"])
def test_a_channel_that_is_no_id_is_refused(channel: str) -> None:
    text = f'{SLACK}[[group]]\nname = "g"\nchannels = ["{channel}"]'

    assert problems(text)[0].startswith(f'group.0.channels.0: "{channel}"')


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Mistakes of one kind do not hide those of another, not even within one table."""
    found = problems(
        """
        [fogbel]
        [[source]]
        provider = "gihub"
        [[service]]
        name  = "checkout"
        tier  = 9
        needs = ["service:sesions"]
        [[service]]
        name = "sessions"
        [[check]]
        name = "c"
        url  = "http://x"
        evry = "10s"
        service = "chekout"
        [[group]]
        name = "ops"
        channels = "console:main"
        [[route]]
        to = "opps"
        """
    )

    places = {line.partition(":")[0] for line in found}
    assert places == {
        "fogbel",
        "source.0.provider",
        "service.0.tier",
        "service.0.needs.0",
        "check.0.evry",
        "check.0.service",
        "route.0.to",
    }
    assert len(found) == 7


def test_a_table_with_a_mistake_does_not_make_its_name_unknown() -> None:
    text = '[[group]]\nname = "ops"\nmode = "any"\nchannels = "console:main"\n[[route]]\nto = "ops"'

    assert [line.partition(":")[0] for line in problems(text)] == ["group.0.mode"]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[fogbell]\nname = \n", "line 2, column 8: "),
        ("[fogbell]\nname = 'a'\nname = 'b'\n", "line 3, column 11: "),
        ("[a]\n[a]", "line 2, column 3: "),
        ("a = '", "end of document: "),
    ],
)
def test_what_is_not_toml_is_told_by_line_and_column(text: str, start: str) -> None:
    (line,) = problems(text)

    assert line.startswith(start)
    assert line.endswith("this is not TOML")


@pytest.mark.parametrize(
    "value",
    [
        f'"{SECRET}"',
        f'{{ env = "{SECRET}" }}',
        '{ env = "hunter2" }',
        f'{{ env = "SLACK", file = "{SECRET}" }}',
        f'{{ token = "{SECRET}" }}',
        f'["{SECRET}"]',
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(value: str) -> None:
    (line,) = problems(f"[chat.slack]\nbot_token = {value}")

    assert line.startswith("chat.slack.bot_token: ")
    assert "hunter2" not in line


def test_secrets_come_from_variables_and_files_and_never_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("file-hunter2\n")
    text = SLACK + '[chat.discord]\ntoken = { file = "token" }\n[store]\nurl = { env = "REDIS" }'

    config = load(text, ENVIRON, base=tmp_path)

    assert config.chat.slack is not None
    assert config.chat.discord is not None
    assert config.store.url is not None
    assert config.chat.slack.bot_token.reveal() == SECRET
    assert config.chat.discord.token.reveal() == "file-hunter2"
    assert config.store.url.reveal() == ENVIRON["REDIS"]
    assert "hunter2" not in f"{config} {config!r} {config.chat.model_dump()} {config.chat.discord.token}"


def test_a_missing_or_empty_secret_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for name, words in (("absent", "cannot be read (No such file or directory)"), ("empty", "is empty")):
        with pytest.raises(ConfigError, match=f"chat.discord.token: the file .*{name}") as caught:
            load(f'[chat.discord]\ntoken = {{ file = "{name}" }}', {}, base=tmp_path)
        assert words in str(caught.value)


def test_a_password_in_a_wrong_store_address_is_not_repeated() -> None:
    (line,) = problems('[store]\nurl = "rdis://:hunter2@db"')

    assert "hunter2" not in line


def test_paths_are_relative_to_the_files_folder() -> None:
    config = loaded('[notices]\ntemplates = "texts"')

    assert config.fogbell.data == Path("/etc/fogbell/data")
    assert config.notices.templates == Path("/etc/fogbell/texts")
    assert loaded('[fogbell]\ndata = "/var/lib/fogbell"').fogbell.data == Path("/var/lib/fogbell")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            GITHUB + '[[service]]\nname = "a"\nneeds = "githb/actions"',
            'service.0.needs.0: no source watches "githb"; did you mean "github"?',
        ),
        (
            '[[group]]\nname = "g"\nchannels = "console:main"\n[[route]]\nto = "g"\nwhen = { provider = "aws" }',
            'route.0.when.provider: no source watches "aws"; add one to [[source]]',
        ),
        (SLACK, 'chat.slack: no group holds a channel of it; add one, as channels = ["slack:C0123ABCD"]'),
    ],
)
def test_what_is_allowed_but_odd_is_a_warning(text: str, warning: str) -> None:
    assert loaded(text).warnings == (warning,)


def test_a_configuration_does_not_change_after_loading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded("").console.port = 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60s", timedelta(seconds=60)),
        ("5m", timedelta(minutes=5)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("30d", timedelta(days=30)),
        ("800ms", timedelta(milliseconds=800)),
    ],
)
def test_a_time_span_means_what_it_says(text: str, expected: timedelta) -> None:
    assert expected == parse_duration(text)
    assert text in {duration_words(expected), "60s"}


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "5m!", "5M"])
def test_other_ways_to_write_a_time_span_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time span"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_a_time_span_survives_being_written(span: timedelta) -> None:
    rounded = timedelta(milliseconds=round(span / timedelta(milliseconds=1)))

    assert rounded == parse_duration(duration_words(span))


WORDS = ["name", "url", "to", "when", "slack", "env", "x"]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(["source", "service", "check", "group", "route", "chat", "store", "rules"]))
def test_no_nonsense_in_a_table_is_anything_but_a_list_of_mistakes(value: object, key: str) -> None:
    found: list[str] = []
    try:
        loaded(f"{key} = {_toml(value)}")
    except ConfigError as exc:
        found = exc.problems

    assert all(line and "\n" not in line for line in found)


def _toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int():
            return str(max(min(value, 2**62), -(2**62)))
        case str():
            return (
                '"'
                + "".join(f"\\U{ord(c):08X}" if not 0xD800 <= ord(c) < 0xE000 else "?" for c in value)
                + '"'
            )
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    raise AssertionError(value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"x = {'[' * 5000}", ["the file: brackets are nested too deeply"]),
        (
            '[fogbell]\ndata = "~nobody-here/x"',
            ['fogbell.data: "~nobody-here/x": this user has no home folder here'],
        ),
        ('[fogbell]\ndata = "a\\u0000b"', ["fogbell.data: is not a path"]),
        ('[fogbell]\ndata = ""', ["fogbell.data: is empty"]),
        ('[rules]\nremember_for = "4000d"', ['rules.remember_for: "4000d" is more than 3650d']),
        (
            '[rules]\nreopen_within = "999999999d999999999d"',
            ['rules.reopen_within: "999999999d999999999d" is more than 3650d'],
        ),
        (
            '[console]\nhost = "not a host"',
            ['console.host: write an address or a name, as "127.0.0.1" or "0.0.0.0"'],
        ),
        (
            '[[group]]\nname = "ops"\nchannels = ["terminal:a b"]',
            [
                'group.0.channels.0: "terminal:a b" does not name a channel: write a plain word, such as "terminal:main"'
            ],
        ),
        (
            '[[service]]\nname = "Shop"\n[[service]]\nname = "shop"',
            ['service.1.name: "shop" is the name of service.0 already; give each service a name of its own'],
        ),
        (
            '[[source]]\nname = "self"\nurl = "https://status.example"',
            ['source.0: "self" stands for your own checks; give the provider another name'],
        ),
    ],
)
def test_what_would_fail_later_is_a_mistake_now(text: str, lines: list[str]) -> None:
    """Each of these once ended in a traceback, or in a line that misled."""
    assert lines == problems(text)


def test_the_console_needs_no_token_only_where_the_page_is_guarded_by_its_name() -> None:
    """The server lets in only these three names without a token: 127.0.0.2 would be refused at start."""
    assert problems('[console]\nhost = "127.0.0.2"')[0].startswith("console.token: is needed")
    for host in ("127.0.0.1", "::1", "localhost"):
        assert loaded(f'[console]\nhost = "{host}"').console.host == host


def test_a_token_that_can_be_guessed_is_noted_and_not_shown() -> None:
    (warning,) = loaded('[console]\ntoken = { env = "T" }', T="hunter2").warnings

    assert warning.startswith("console.token: is shorter than 16 characters")
    assert "hunter2" not in warning
    assert loaded('[console]\ntoken = { env = "T" }', T="h" * 16).warnings == ()


def test_a_channel_that_no_group_holds_is_allowed_but_said() -> None:
    found = loaded(OPS + '[[channel]]\nid = "console:mian"').warnings

    assert found == ('channel.0.id: no group holds console:mian; did you mean "console:main"?',)


ACME = '[[chat.slack.workspace]]\nname = "acme"\nbot_token = { env = "SLACK" }\n'


def group(*channels: str) -> str:
    """A group with these channels."""
    listed = ", ".join(f'"{channel}"' for channel in channels)
    return f'[[group]]\nname = "g"\nchannels = [{listed}]\n'


def test_workspaces_stand_beside_the_main_one_or_alone() -> None:
    both = loaded(SLACK + ACME + group("slack:C123", "slack-acme:C123")).chat.slack
    alone = loaded(ACME + group("slack-acme:C123")).chat.slack

    assert both is not None
    assert alone is not None
    assert ["slack", "slack-acme"] == list(both.workspaces)
    assert ["slack-acme"] == list(alone.workspaces)
    assert both.workspaces["slack"].bot_token.reveal() == SECRET
    assert both.workspaces["slack"].api_url == "https://slack.com/api/"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[chat.slack]\ncommand = '/x'", "chat.slack.bot_token: is missing"),
        ("[[chat.slack.workspace]]\nname = 'acme'", "chat.slack.workspace.0.bot_token: is missing"),
        (
            ACME.replace("acme", "Ac me"),
            'chat.slack.workspace.0.name: "Ac me" may hold small letters, digits, dots and dashes',
        ),
        (ACME + 'comand = "/x"', 'chat.slack.workspace.0.comand: unknown; did you mean "command"?'),
        (
            ACME + ACME + group("slack-acme:C123"),
            'chat.slack.workspace.1.name: "acme" is the name of chat.slack.workspace.0 already; give each a name of its own',
        ),
        (
            ACME + group("slack-acne:C123"),
            "group.0.channels.0: slack-acne:C123 needs a table [[chat.slack.workspace]]"
            ' with name = "acne"; did you mean "slack-acme"?',
        ),
        (
            ACME + group("slack:C123"),
            "group.0.channels.0: slack:C123 needs a bot_token in [chat.slack], or the name of a workspace, as slack-acme",
        ),
        (
            SLACK + group("slack-acme:C123"),
            'group.0.channels.0: slack-acme:C123 needs a table [[chat.slack.workspace]] with name = "acme"'
            '; did you mean "slack"?',
        ),
        (
            ACME + group("slack-acme:general"),
            'group.0.channels.0: "slack-acme:general" does not name a channel: write a channel\'s id, such as'
            ' "slack:C0123ABCD", not its name',
        ),
    ],
)
def test_mistakes_with_workspaces_are_named(text: str, problem: str) -> None:
    assert [problem] == problems(text)


def test_a_workspace_that_nobody_speaks_to_is_noted() -> None:
    assert [
        'chat.slack.workspace.0: no group holds a channel of it; add one, as channels = ["slack-acme:C0123ABCD"]'
    ] == [line for line in loaded(SLACK + ACME + group("slack:C123")).warnings if "chat." in line]
