"""Fetch a data set of the Hub as JSONL. Runs in .venv-train, where `datasets` is:

    python -m train.pairs.hub PATH SPLIT REVISION OUT < (a JSON list: the names of the columns wanted, or "*" for all)

prints `{"columns": […], "rows": n}`, or `{"error": "…"}` with status 3. REVISION "-" is the newest.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx
from datasets import load_dataset
from datasets.exceptions import DatasetNotFoundError


def fetch(path: str, split: str, revision: str | None, wanted: list[str], out: Path) -> dict[str, object]:
    """Write the wanted columns that there are, a row a line, to `out`. `split` may be configuration/split."""
    config, _, named = split.rpartition("/")
    rows = load_dataset(path, config or None, split=named, revision=revision)
    kept = list(rows.column_names) if wanted == ["*"] else [name for name in wanted if name in rows.column_names]
    with out.open("w", encoding="utf-8") as file:
        for row in rows.select_columns(kept) if kept else []:
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    return {"columns": list(rows.column_names), "rows": len(rows)}


def _reason(error: BaseException) -> str:
    """What went wrong first; a connection that failed is often hidden behind what was tried after it."""
    chain: list[BaseException] = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    if any(isinstance(link, httpx.TransportError | ConnectionError) for link in chain):
        return "it does not answer (is there a network?)"
    configs = re.search(r"available configs: (\[.*?\])", str(error))
    if configs:
        return f"it has several configurations ({configs[1][1:-1]}): name one, as in hub:owner/name:configuration/split"
    first = (str(error) or type(error).__name__).splitlines()[0]
    return "it does not answer (is there a network?)" if "client has been closed" in first else first


def main(path: str, split: str, revision: str, out: str) -> int:
    try:
        found = fetch(path, split, None if revision == "-" else revision, json.load(sys.stdin), Path(out))
    except DatasetNotFoundError:
        found = {"error": "the Hub has no such data set, or it is private (set HF_TOKEN)"}
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        found = {"error": _reason(error)}
    print(json.dumps(found))
    return 3 if "error" in found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
