"""Fogbell's own chat: what the built-in web page shows. `render` is pure, `client` keeps the messages in Redis.

There is no listener: the page's command line calls `dispatch` from `bot.web`. `wiring` hands the chat to pipeline and page.
"""
