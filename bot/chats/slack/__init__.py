"""Slack: `render` makes Block Kit of a Card, `client` posts it, `listen` answers commands. Used by `wiring` alone."""
