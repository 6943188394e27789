"""More than a hundred services through the library Apprise: Teams, Telegram, Mattermost, ntfy, e-mail ... docs/sinks.md.

`render` is pure, `failures` reads what the library lets slip about a failure, `client` sends. Nothing comes in this way.
"""
