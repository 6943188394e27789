"""Discord: `render` turns a Card into a message body, `client` sends it, `listen` takes slash commands.

Nothing outside this folder imports the discord library. Limits are Discord's own, from its developer documentation
(resources/message and resources/channel, read 2026-08).
"""
