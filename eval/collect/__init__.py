"""Collecting: prompts and two servers to responses.jsonl."""
