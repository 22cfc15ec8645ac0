"""Names of places, people and organisations in Japanese news. Writes entities.csv.

500 sentences with a tag per word, by Hironsan (package hironsancorpus, licence MIT). Sentences of
the same news follow each other, so ten at a time form a block that stays together.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

file = Path(find_spec("hironsan").submodule_search_locations[0], "corpus", "iob_sents.txt")
sentences = [block for block in file.read_text(encoding="utf-8").split("\n\n") if block.strip()]
rows = []
for number, sentence in enumerate(sentences):
    for line in sentence.strip("\n").split("\n"):
        word, script, speech, detail, *_, tag = line.split("\t")
        rows.append((number, number // 10, word, script, speech, detail, tag))
columns = ["sentence", "block", "word", "script", "speech", "detail", "tag"]
pd.DataFrame(rows, columns=columns).to_csv("entities.csv", index=False, lineterminator="\n")
