"""What Blob Storage knows of Microsoft Entra ID: whose a token is, and which roles its owner has.

https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
"""

import base64
import json
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import es256

AUDIENCES = ("https://storage.azure.com", "https://storage.azure.com/")
TIMEOUT_SECONDS = 10

# The built-in roles, with what each allows of the blobs of a container; `delegate` is for the account.
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
ROLES = {
    "storage-blob-data-reader": {"read", "list", "delegate"},
    "storage-blob-data-contributor": {"read", "list", "write", "delete", "delegate"},
    "storage-blob-delegator": {"delegate"},
}


class Refused(Exception):
    """What the service answers instead: status, code and text."""

    def __init__(self, status, code, text=""):
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


@dataclass
class Tenant:
    """A tenant, and who has which role on the account or on one of its containers."""

    id: str
    issuer: str
    # (client id, role, container or None for the account).
    roles: list[tuple[str, str, str | None]]
    # How far the clock of whoever checks is ahead.
    offset: timedelta = timedelta()
    _checked: dict[str, dict] = field(default_factory=dict)

    def now(self):
        return datetime.now(UTC) + self.offset

    def owner(self, token):
        """The claims of a token. Raises Refused where it is not good."""
        claims = self._checked.get(token) or self._check(token)
        self._checked[token] = claims
        if not claims["nbf"] <= self.now().timestamp() < claims["exp"]:
            raise refused_token("Lifetime validation failed. The token is expired, or not valid yet.")
        return claims

    def _check(self, token):
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (json.loads(decoded(part)) for part in signed.split("."))
            is_good = es256.is_signed(signed.encode(), decoded(signature), self._key(header["kid"]))
            numbers = all(isinstance(claims[name], int) for name in ("nbf", "exp"))
        except (ValueError, KeyError, TypeError) as error:
            raise refused_token("Malformed token.") from error
        if not (is_good and numbers):
            raise refused_token("Signature validation failed.")
        if claims["iss"] != f"https://sts.windows.net/{self.id}/":
            raise refused_token("Issuer validation failed.")
        if claims["aud"] not in AUDIENCES:
            raise refused_token("Audience validation failed. Audience did not match.")
        return claims

    def _key(self, wanted):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.issuer}/{self.id}/discovery/v2.0/keys", timeout=TIMEOUT_SECONDS) as answer:
            keys = json.load(answer)["keys"]
        for key in keys:
            if key["kid"] == wanted:
                return tuple(int.from_bytes(decoded(key[name]), "big") for name in "xy")
        raise KeyError(wanted)

    def check_role(self, client, action, container):
        """Raises Refused where nothing allows this. `container` is None for what concerns the account."""
        for owner, role, scope in self.roles:
            if owner == client and action in ROLES[role] and scope in (None, container):
                return
        text = "This request is not authorized to perform this operation using this permission."
        raise Refused(403, "AuthorizationPermissionMismatch", text)


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def refused_token(text):
    return Refused(401, "InvalidAuthenticationInfo", text)
