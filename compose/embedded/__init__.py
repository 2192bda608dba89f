"""A server for one model on this machine's CPU that speaks the protocol of Text Generation Inference.

Run it with `python -m compose.embedded --model-id DIR --port P` from the environment that has torch.
"""

from __future__ import annotations

VERSION = "0.1.0"
