"""Ceilings: how good the best possible model is, computed exactly or by simulation."""
