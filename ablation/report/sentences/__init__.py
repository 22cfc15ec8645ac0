"""What a study says, in sentences: the answer first, warnings, and which arm to take."""

from __future__ import annotations

from ablation.report.sentences.answers import answer
from ablation.report.sentences.choice import recommended
from ablation.report.sentences.power import what_can_be_shown
from ablation.report.sentences.warnings import alarms

__all__ = ["alarms", "answer", "recommended", "what_can_be_shown"]
