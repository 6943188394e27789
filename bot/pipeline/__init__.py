"""The loops: each takes a lease or a claim, does one step, and sleeps. They hold no rule about incidents; `bot.domain` does."""
