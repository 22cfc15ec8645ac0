"""Can a sensor at the belt stand in for one at the thigh? Writes gait.csv.

110 seconds of walking, three accelerometers, 64 rows a second, in thousandths of g: a part of the
Daphnet data (package aeon) of M. Bächlin et al., "Wearable Assistant for Parkinson's Disease
Patients With the Freezing of Gait Symptom", IEEE Trans. Inf. Technol. Biomed. 14, 2010. UCI Machine
Learning Repository, licence CC BY 4.0. A sequence is a stretch of two seconds; the last quarter is
the test part.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

folder = Path(find_spec("aeon").submodule_search_locations[0], "datasets/data/Daphnet_S06R02E0")
table = pd.read_csv(folder / "S06R02E0.csv")
table.insert(0, "stretch", table.index // 128)
train = table["stretch"] < 0.75 * len(table) / 128
table["part"] = train.map({True: "train", False: "test"})
table.to_csv("gait.csv", index=False, lineterminator="\n")
