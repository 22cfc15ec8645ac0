"""Figures: pure functions from a table and an Axes to that Axes, a file each."""
