"""Benchmarks of delivery: from what a page or a push says to what a chat holds, beside others who promise less or more.

Each module is one benchmark; `world` and `stand` are what they play on, `strawman` and `alertmanager` those beside us.
"""
