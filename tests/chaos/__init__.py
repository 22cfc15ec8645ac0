"""Injects faults into the real command line: `python -m tests.chaos --help`.

The campaign shows that no committed result is ever lost, and that no trial is trained twice,
whichever process is killed at whatever time. Only the training is simulated: `work` derives a
result from the trial's id in some hundredths of a second, without TensorFlow. So a disturbed and an
undisturbed sweep must give the same report, byte for byte.

    command    the command line with this work, and with deaths at chosen points
    faults     these points: wrappers around the system calls of a commit
    damage     damage to files between two runs
    ledger     the invariants, checked from the folder and from a log of all processes
    processes  running commands, and their processes
    storm      random kills from outside
    site       a folder in which commands run, and the allowed exit codes
    disk       a full file system
    campaign   rounds of all this, with the sweeps of grid
    cluster    the same with `--cluster`: a third kind of target beside commands and their workers
"""
