"""Checks the machine and a results folder: what is wrong, and what to do about it."""

from __future__ import annotations

from ablation.checks.machine import check_machine
from ablation.checks.results import Check, check_results

__all__ = ["Check", "check_machine", "check_results"]
