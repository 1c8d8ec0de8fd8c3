"""Exported lessons through `datasets`: `load_datasets.py FOLDER OUT`.

FOLDER is the data set of `export lessons --as dataset`. Writes its columns and rows as JSON.
"""

import json
import sys
import tempfile
from pathlib import Path

import datasets


def main(folder, out):
    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset(folder, split="train", cache_dir=cache)
        result = {
            "versions": {"datasets": datasets.__version__},
            "columns": rows.column_names,
            "rows": rows.to_list(),
        }
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
