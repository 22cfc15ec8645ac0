"""Trains one trial: model, compiled loop, scores. It loads TensorFlow; only workers import it."""

from __future__ import annotations

from ablation.training.imports import UNUSED, hide_packages

with hide_packages(UNUSED):
    from ablation.training.loop import Programs, batch_rows, chunk_shape, predict
    from ablation.training.losses import without_own_loss
    from ablation.training.models import build_model
    from ablation.training.probes import halves_of, probe
    from ablation.training.saving import classes_needed, difference_when_loaded
    from ablation.training.trial import ENGINES, measure, run_trial, train_model

__all__ = [
    "ENGINES",
    "Programs",
    "batch_rows",
    "build_model",
    "chunk_shape",
    "classes_needed",
    "difference_when_loaded",
    "halves_of",
    "measure",
    "predict",
    "probe",
    "run_trial",
    "train_model",
    "without_own_loss",
]
