"""The places where people talk: one folder each, with `render` (pure), `client` (out) and `listen` (in).

`wiring` imports the folders of the configured chats, and only those: their libraries are large.
"""
