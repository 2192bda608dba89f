"""Errors of the Hub or the network as one sentence with the remedy, without tokens or signed URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id

from blindside.addresses import without_secrets
from blindside.hub.http_library import http
from eval.errors import ReleaseError

AGAIN = "the same command continues from there"
_LONGEST = 300
_BY_STATUS = {
    401: "the Hub does not accept the token (401): make one with write permission, and log in with `hf auth login`",
    403: "the token is not allowed to write to {repo} (403): use one with write permission{or_propose}",
    404: "{repo} is not there, or the token cannot see it (404): check the name and the token's permissions",
    409: "{repo} was changed at the same time (409): {again}",
    412: "{repo} was changed at the same time (412): {again}",
    429: "the Hub asks to wait (429): in some minutes {again}",
}


@contextmanager
def as_release_errors(api: HfApi, repo: str, *, again: str = AGAIN) -> Iterator[None]:
    """Turn what the client raises about `repo` into ReleaseError. `again` says what to do where it may yet succeed.

    The cause is left behind: its request carries the token, its URL may be signed.
    """
    try:
        yield
    except (http.HTTPError, http.InvalidURL, OSError, RuntimeError, ValueError) as error:
        raise ReleaseError(_sentence(error, api, repo, again)) from None


def _sentence(error: BaseException, api: HfApi, repo: str, again: str) -> str:
    if isinstance(error, HfHubHTTPError):
        return _refused(error, api, repo, again)
    if isinstance(error, HFValidationError):
        return f"{repo!r} can't name a repository ({_clean_text(str(error), api)}): use owner/name"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set: unset it"
    if isinstance(error, http.InvalidURL | http.UnsupportedProtocol):
        endpoint = without_secrets(api.endpoint)
        return f"{endpoint} is not a Hub's address ({_clean_text(str(error), api)}): correct or unset HF_ENDPOINT"
    if isinstance(error, http.HTTPError | ConnectionError | TimeoutError):
        return f"the network to {without_secrets(api.endpoint)} was lost ({_kind(error)}): {again}"
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        # The client wraps errors of Git LFS uploads.
        return _sentence(error.__cause__, api, repo, again)
    if isinstance(error, ValueError):
        # The Hub's own words on a card's metadata or on a file of Git LFS.
        return f"the Hub refused the release: {_clean_text(str(error), api)}"
    # hf_xet, which uploads to the real Hub, raises bare RuntimeErrors.
    return f"the upload broke off ({_clean_text(str(error), api)}): {again}"


def _refused(error: HfHubHTTPError, api: HfApi, repo: str, again: str) -> str:
    status = error.response.status_code
    message = _clean_text(error.server_message or "", api)
    if status in _BY_STATUS:
        proposed = " or propose the release with --create-pr" if again == AGAIN else ""
        sentence = _BY_STATUS[status].format(repo=repo, again=again, or_propose=proposed)
        return f"{sentence} (the Hub: {message})" if message else sentence
    if status >= 500:
        return f"the Hub is in trouble ({status}): {again}"
    because = f"{status}, {message}" if message else str(status)
    return f"the Hub refused the release ({because}): fix that and run the command again"


def _kind(error: BaseException) -> str:
    if isinstance(error, http.TimeoutException | TimeoutError):
        return "it took too long"
    return "no connection" if isinstance(error, ConnectionError | http.NetworkError) else type(error).__name__


def _clean_text(text: str, api: HfApi) -> str:
    """Foreign words on one line, without token, passwords and query strings, and not without end."""
    if isinstance(api.token, str) and api.token:
        text = text.replace(api.token, "(token)")
    text = re.sub(r"(?<=//)[^\s/@]+@", "", text)
    text = re.sub(r"\?[^\s'\"<>)]+", "", re.sub(r"\bhf_[A-Za-z0-9]{20,}", "(token)", text))
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def repo_name(repo: str) -> None:
    """Raise ReleaseError where `repo` is not spelled as the Hub spells repositories: name, or owner/name."""
    try:
        validate_repo_id(repo)
    except HFValidationError:
        raise ReleaseError(
            f"{repo!r} can't name a repository: use owner/name, of letters, digits, dot, dash and underscore"
        ) from None
