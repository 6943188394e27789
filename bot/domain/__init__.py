"""The rules, and nothing else: standard library only, no clock, no input or output, no logging.

Begin with `incident` (what), `decide` (when) and `delivery` (to whom).
"""
