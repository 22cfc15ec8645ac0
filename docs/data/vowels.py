"""Which of nine speakers says /ae/? Writes vowels.npz.

The Japanese Vowels data (package aeon) of M. Kudo, J. Toyama and M. Shimbo, "Multidimensional Curve
Classification Using Passing-Through Regions", Pattern Recognition Letters 20, 1999. UCI Machine
Learning Repository, licence CC BY 4.0. The training and the test part are the official ones.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

folder = Path(find_spec("aeon").submodule_search_locations[0], "datasets/data/JapaneseVowels")
utterances, speakers, parts = [], [], []
for part in ("train", "test"):
    text = (folder / f"JapaneseVowels_{part.upper()}.ts").read_text(encoding="utf-8")
    for line in text.partition("@data\n")[2].splitlines():
        *channels, speaker = line.split(":")
        utterances.append(np.array([channel.split(",") for channel in channels], float).T)
        speakers.append(int(speaker))
        parts.append(part)

lengths = np.array([len(utterance) for utterance in utterances])
x = np.zeros((len(utterances), lengths.max(), 12), np.float32)
for row, utterance in zip(x, utterances, strict=True):
    row[: len(utterance)] = utterance
np.savez("vowels.npz", x=x, y=np.array(speakers), lengths=lengths, part=np.array(parts))
