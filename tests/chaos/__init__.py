"""A campaign of faults against the real command line: `python -m tests.chaos --help`.

What it is to prove: no committed result is ever lost, and none is trained twice, whatever is
killed when. Only the training is not real: `work` makes a result from the trial's id in a few
milliseconds, without TensorFlow, so that a disturbed sweep and an undisturbed one must give the
same report to the byte.

    command    the command line with that work and with deaths at chosen places
    faults     those places: the calls that a commit is made of, wrapped in the process itself
    damage     what may happen to files between two runs
    ledger     what must hold, from the folder and from a log that the processes keep
    processes  commands that run, and what can be killed of them
    storm      kills from outside
    site       a folder in which commands run, and how they may end
    disk       a file system that is full
    campaign   rounds of all this, over the sweeps of grid
"""
