"""What can be proved of each engine, by what it reports; docs/serving.md has the same table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """One engine. Each of the four is the way by which it is reported, and empty where this engine does not report it.

    `template`: what a conversation becomes; `tokens`: what a text becomes; `prompts`: log-probabilities of a prompt's
    tokens; `answers`: tokens of an answer with their log-probabilities. `remedy` ends the sentence on missing
    log-probabilities of prompts. `keeps_path`: whether the server names the folder or Hub id that it was given.
    """

    name: str
    template: str = ""
    tokens: str = ""
    prompts: str = ""
    answers: str = ""
    remedy: str = ""
    keeps_path: bool = True
    #: Whether the token that ends an answer is among its tokens.
    shows_end: bool = True
    #: Where it reads the chat template and the end tokens, if it reads fewer places than transformers.
    template_from: str = "it was started without one"
    ends_from: str = ""

    @property
    def untold(self) -> list[str]:
        """What can't be proved of it, in words."""
        cells = {
            "templates": self.template,
            "tokens": self.tokens,
            "log-probabilities of prompts": self.prompts,
            "tokens of answers": self.answers,
        }
        return [what for what, way in cells.items() if not way]


TGI = Proof(
    "TGI",
    template="/chat_tokenize",
    tokens="/tokenize",
    prompts="/generate with decoder_input_details",
    answers="/generate with details",
    remedy="start it with --enable-prefill-logprobs",
    template_from="TGI reads it from tokenizer_config.json or chat_template.json, not from chat_template.jinja",
    ends_from="TGI reads only a list",
)
VLLM = Proof(
    "vLLM",
    template="/tokenize and return_prompt_text",
    tokens="/v1/completions with return_token_ids",
    prompts="/v1/completions with prompt_logprobs",
    answers="/v1/completions with logprobs and return_token_ids",
    remedy="use vLLM 0.10.2 or newer",
)
SGLANG = Proof(
    "SGLang",
    template="/v1/chat/completions with return_prompt_token_ids",
    tokens="/tokenize",
    prompts="/generate with logprob_start_len",
    answers="/generate with return_logprob",
    remedy="use SGLang 0.5.13 or newer",
)
LLAMA_CPP = Proof(
    "llama.cpp",
    template="/apply-template",
    tokens="/tokenize",
    answers="/completion with n_probs",
    remedy="llama.cpp does not report them",
    keeps_path=False,
    shows_end=False,
)
ECHO = Proof(
    "OpenAI-compatible, with echo",
    tokens="/v1/completions with echo (their number)",
    prompts="/v1/completions with echo and logprobs",
    remedy="it stopped telling them",
    keeps_path=False,
)
CHAT_ONLY = Proof("OpenAI-compatible, chat alone", remedy="its protocol has none", keeps_path=False)
