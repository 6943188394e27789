"""Fogbell: the bell that rings when the cloud goes down."""

__version__ = "0.1.0"
