"""What is asked at the same time is generated together, and nobody's answer depends on the company."""

from __future__ import annotations

import http.client
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.train

LONG = {
    "max_new_tokens": 1000,
    "do_sample": True,
    "temperature": 9.0,
    "seed": 7,
}  # takes seconds, and does not end early


def post(url: str, path: str, body: Any) -> Any:
    request = Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def generate(url: str, text: str, **parameters: Any) -> dict[str, Any]:
    given = {"max_new_tokens": 40, "details": True} | parameters
    answer: dict[str, Any] = post(url, "/generate", {"inputs": text, "parameters": given})
    return answer


def metric(url: str, name: str) -> int:
    with urlopen(f"{url}/metrics", timeout=10) as response:
        found = re.search(rf"^{name} (\d+)$", response.read().decode(), re.MULTILINE)
    return int(found.group(1)) if found else 0


def until(what: Any, reason: str) -> None:
    """Wait until `what()` is true; the bound is far above what it takes."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, reason
        time.sleep(0.01)


def texts(answers: list[dict[str, Any]]) -> list[tuple[str, list[int]]]:
    return [(one["generated_text"], [token["id"] for token in one["details"]["tokens"]]) for one in answers]


def test_requests_of_all_lengths_and_kinds_are_answered_alike_alone_and_together(urls: dict[str, str]) -> None:
    url = urls["usual"]
    asked: list[tuple[str, dict[str, Any]]] = [("hi " * (1 + 13 * index % 200), {}) for index in range(24)]
    asked += [(f"Question: What is {index} plus 3?\nAnswer:", {"seed": index, "do_sample": True}) for index in range(8)]
    asked += [("Question: Count from 1 to 8.\nAnswer:", {"top_n_tokens": 2})]
    asked += [("Question: Count from 1 to 8.\nAnswer:", {"decoder_input_details": True, "stop": ["5"]})]
    asked += [("Question: Who are you?\nAnswer:", {"seed": 3, "temperature": 0.7, "top_p": 0.9, "top_k": 9})]
    alone = [generate(url, text, **given) for text, given in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(lambda one: generate(url, one[0], **one[1]), asked))
    assert texts(together) == texts(alone)
    assert metric(url, "blindside_batch_largest") > 8


def test_a_newcomer_joins_while_others_are_being_answered(urls: dict[str, str]) -> None:
    url = urls["usual"]
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(generate, url, "x", **LONG)
        until(lambda: metric(url, "tgi_batch_current_size") == 1, "the long request runs")
        assert generate(url, "Question: Who are you?\nAnswer:")["details"]["finish_reason"] == "eos_token"
        assert not slow.done()
        assert slow.result()["details"]["generated_tokens"] > 100


def test_no_more_are_generated_together_than_allowed(urls: dict[str, str]) -> None:
    url = urls["batches of two"]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda index: generate(url, f"What is {index} plus 1?"), range(12)))
    assert len(answers) == 12
    assert metric(url, "blindside_batch_largest") == 2


def test_a_client_that_leaves_frees_its_place(urls: dict[str, str]) -> None:
    url = urls["one at a time"]
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    body = json.dumps({"inputs": "x", "parameters": LONG})
    connection.request("POST", "/generate", body, {"content-type": "application/json"})
    until(lambda: metric(url, "tgi_batch_current_size") == 1, "it is being answered")
    connection.close()
    until(lambda: metric(url, "tgi_batch_current_size") == 0, "the batch let it go")
    assert generate(url, "Question: Who are you?\nAnswer:")["generated_text"].startswith(" I am")


def test_a_long_prompts_log_probabilities_do_not_depend_on_how_it_is_read(urls: dict[str, str]) -> None:
    """Scored prompts are read in pieces of 256: around the seams, tokens get there what they got when generated."""
    text = "Question: What is the capital of France?\nAnswer: The capital of France is Paris.\n" * 27
    whole = generate(urls["usual"], text, max_new_tokens=1, decoder_input_details=True)["details"]["prefill"]
    compared = 0
    for cut in (253, 254, 255, 256, 257, 509, 510, 511, 512):
        prefix = "".join(one["text"] for one in whole[:cut])
        answer = generate(urls["usual"], prefix, max_new_tokens=4)
        tokens = answer["details"]["tokens"]
        again = generate(urls["usual"], prefix + answer["generated_text"], max_new_tokens=1, decoder_input_details=True)
        scored = again["details"]["prefill"][cut:]
        if [one["id"] for one in scored] != [one["id"] for one in tokens]:
            continue  # the text is cut into other tokens, or has an end in it
        compared += 1
        for one, other in zip(scored, tokens, strict=True):
            assert one["logprob"] == pytest.approx(other["logprob"], abs=1e-4)
    assert compared >= 5
