"""One file for each feed format: pure functions and one `Format`. The list of them is in `bot.sources`."""
