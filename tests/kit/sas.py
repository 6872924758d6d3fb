"""Shared access signatures of Blob Storage: how they are made and checked.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

VERSION = "2022-11-02"
MINUTES = 15

# What stands between the key's fields and the version: address and protocol; what comes after it.
DELEGATION = ("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid")
AFTER = ("sr", "", "ses", "rscc", "rscd", "rsce", "rscl", "rsct")


def moment(text):
    return datetime.fromisoformat(text)


def signature(key, query, resource):
    """The signature of a SAS with these parameters; `resource` is /blob/ACCOUNT/CONTAINER[/…]."""
    of_key = DELEGATION if "skoid" in query else ("si",)
    names = ("sp", "st", "se", None, *of_key, "sip", "spr", "sv", *AFTER)
    lines = [resource if name is None else query.get(name, "") for name in names]
    digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_signed(key, query, resource):
    return hmac.compare_digest(signature(key, query, resource), query.get("sig", ""))


def of_container(account, key, container):
    """The parameters of a SAS that allows everything in a container for a while."""
    expiry = (datetime.now(UTC) + timedelta(minutes=MINUTES)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"sp": "racwdl", "se": expiry, "sv": VERSION, "sr": "c"}
    return urlencode(query | {"sig": signature(key, query, f"/blob/{account}/{container}")})
