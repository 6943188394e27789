"""Figures and ratios of one run: `python -m benchmarks`, or `python -m benchmarks parse` for one of them.

A figure alone says something about the machine; a ratio of two things measured in turns says something about the code.
"""
