"""Memory: everything Fogbell must not forget lives in Redis, and every key is declared in `keys`.

`redis` implements the ports, `lua/` holds what must be atomic, `embedded` runs a server of our own when no other is given.
"""
