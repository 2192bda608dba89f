"""A program that holds a stack: says what it serves as a line of JSON, then waits. For tests that kill it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.docker.stand_in import stack

with stack(Path(sys.argv[1]), run=sys.argv[2]) as served:
    print(json.dumps({"project": served.project, "urls": served.urls}), flush=True)
    time.sleep(600)
