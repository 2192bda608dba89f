"""How much faster the embedded engine is when it is asked many things at once: prints ratios.

    .venv/bin/python -m benchmarks.embedded_batching [--model DIR] [--requests 64] [--rounds 3]

Asks the same greedy requests one by one and 32 at a time, in turns, and compares the texts as well. Needs .venv-train.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from blindside.places import CODE as ROOT
from compose.embedded_stack import EmbeddedStack
from compose.stack import Model

QUESTIONS = ("What is the capital of {}?", "Tell me all that you know about {}.", "Count from {} to the end.")
WORDS = ("France", "Cuba", "Egypt", "Nepal", "Kenya", "Italy", "Poland", "Croatia", "1", "3", "Monday", "July")


def prompts(count: int) -> list[str]:
    """As many different questions as asked for, about as long as each other."""
    made = [question.format(word) for word in WORDS for question in QUESTIONS]
    return [f"{made[index % len(made)]}{' Please.' * (index // len(made))}" for index in range(count)]


async def ask(session: aiohttp.ClientSession, url: str, prompt: str, gate: asyncio.Semaphore) -> str:
    body = {"messages": [{"role": "user", "content": prompt}], "temperature": 0, "max_tokens": 64}
    async with gate, session.post(f"{url}/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        return str((await response.json())["choices"][0]["message"]["content"])


async def ask_all(url: str, asked: list[str], at_once: int) -> tuple[float, list[str]]:
    """Seconds, and the answers in the order of the questions."""
    gate = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession() as session:
        start = time.perf_counter()
        answers = await asyncio.gather(*(ask(session, url, prompt, gate) for prompt in asked))
        return time.perf_counter() - start, list(answers)


def measure(url: str, count: int, rounds: int) -> None:
    asked = prompts(count)
    asyncio.run(ask_all(url, asked[:8], 8))
    ratios: list[float] = []
    for _ in range(rounds):
        alone, texts_alone = asyncio.run(ask_all(url, asked, 1))
        together, texts_together = asyncio.run(ask_all(url, asked, 32))
        ratios.append(alone / together)
        same = sum(a == b for a, b in zip(texts_alone, texts_together, strict=True))
        print(
            f"one by one {count / alone:7.1f} requests/s   32 at once {count / together:7.1f} requests/s   "
            f"ratio {alone / together:5.2f}   same texts {same}/{count}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "tests" / "data" / "tgi" / "model"))
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    python = ROOT / ".venv-train" / "bin" / "python"
    with (
        tempfile.TemporaryDirectory() as logs,
        EmbeddedStack([Model("base", args.model)], python=python, logs=Path(logs)) as stack,
    ):
        measure(stack.urls["base"], args.requests, args.rounds)


if __name__ == "__main__":
    main()
