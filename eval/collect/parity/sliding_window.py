"""Is a text longer than the sliding window, beyond which TGI computes otherwise than training did?"""

from __future__ import annotations

from eval.collect.parity.findings import Check, Served


def check_window(served: Served) -> Check | None:
    """A note where TGI served texts that reach beyond the window; None where training and serving are the same.

    It is true of TGI itself, and all other checks compare with what TGI computes: nothing is left unchecked.
    """
    window = served.known.reference.window
    if window is None or not served.identity.is_tgi:
        return None
    long = [heard for heard in served.answered if len(heard.ids) > window]
    if not long:
        return None
    return served.noted(
        "sliding window",
        f"{len(long)} of {len(served.answered)} probes are longer than the sliding window of {window} tokens, where "
        "training and serving differ: TGI's window is one token wider, and Phi 3 has none there; the other checks "
        "compare with what TGI computes",
    )
