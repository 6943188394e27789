"""The signed webhook: our own JSON, posted to an address of the operator's. docs/sinks.md is its reference.

`render` is pure, `client` sends. Nothing comes in this way, so there is no `listen`.
"""
