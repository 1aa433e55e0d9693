"""The rules that keep the code base in order, and the figures it is measured by.

`scripts/check-house` runs the rules, `scripts/measure-code` prints the figures.
"""
