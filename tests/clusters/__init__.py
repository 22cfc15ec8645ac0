"""Sweeps on real clusters of this machine, under faults: `python -m tests.clusters --help`.

Not part of the test suite, because SLURM and network namespaces need root.
"""
