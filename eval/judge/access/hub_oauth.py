"""OAuth 2.0 with the Hugging Face Hub, by the application of a Space: who is logging in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from blindside.hub.http_library import http
from eval.errors import InputError

#: Seconds that the Hub may take for one answer.
_PATIENCE = 20.0
#: What a Space with `hf_oauth: true` finds in its environment.
_VARIABLES = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OPENID_PROVIDER_URL")


class HubRefusedError(Exception):
    """The Hub did not say who it is."""


@dataclass(frozen=True)
class HubOAuth:
    """The application of a Space: `callback` is our own address, to which the Hub sends people back."""

    client_id: str
    secret: str = field(repr=False)
    provider: str
    scopes: str
    callback: str

    @classmethod
    def of(cls, environment: Mapping[str, str], host: str) -> HubOAuth:
        """Of a Space at `host`. Raises InputError where its metadata do not say `hf_oauth: true`."""
        missing = [name for name in _VARIABLES if not environment.get(name)]
        if missing:
            raise InputError(f"{missing[0]} is not set: the Space's README.md must say `hf_oauth: true`")
        client_id, secret, provider = (environment[name] for name in _VARIABLES)
        scopes = environment.get("OAUTH_SCOPES") or "openid profile"
        return cls(client_id, secret, provider.rstrip("/"), scopes, f"https://{host}/login/callback")

    def ask(self, state: str) -> str:
        """The address at the Hub where somebody says that we may know who they are. Raises HubRefusedError."""
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": self.scopes,
            "state": state,
        }
        return f"{self._endpoint('authorization')}?{urlencode(query)}"

    def who(self, code: str) -> dict[str, Any]:
        """OpenID's userinfo of who came back with `code`. Raises HubRefusedError."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.callback,
        }
        token = self._request("POST", self._endpoint("token"), data=form, auth=(self.client_id, self.secret))
        bearer = {"authorization": f"Bearer {token.get('access_token', '')}"}
        return self._request("GET", self._endpoint("userinfo"), headers=bearer)

    def _endpoint(self, name: str) -> str:
        return str(self._endpoints.get(f"{name}_endpoint", ""))

    @cached_property
    def _endpoints(self) -> dict[str, Any]:
        return self._request("GET", f"{self.provider}/.well-known/openid-configuration")

    def _request(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """The cause is left behind: it carries the secret."""
        try:
            answer = http.request(method, url, timeout=_PATIENCE, **more)
            body = answer.raise_for_status().json()
        except (http.HTTPError, http.InvalidURL, ValueError) as error:
            raise HubRefusedError(type(error).__name__) from None
        if not isinstance(body, dict):
            raise HubRefusedError("no JSON object")
        return body
