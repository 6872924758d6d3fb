"""The blob container, accessed with a shared access signature that the cases create themselves.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

import base64
import hashlib
import hmac
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta

VERSION = "2021-12-02"
TIMEOUT_SECONDS = 10
# Without proxies: the requests stay on this machine, whatever the environment variables say.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Container:
    """The blob container that the launcher created."""

    def __init__(self):
        self.account, self.name = os.environ["AZURE_STORAGE_ACCOUNT"], os.environ["AZURE_STORAGE_CONTAINER"]
        self.origin = f"{os.environ['AZURE_STORAGE_ENDPOINT']}/{self.name}"

    def url(self, permissions, blob=None):
        """Returns the URL of the container, or of a blob in it, with a SAS for these permissions and one hour."""
        path = "" if blob is None else "/" + urllib.parse.quote(blob)
        return f"{self.origin}{path}?{self._signature(permissions)}"

    def _signature(self, permissions):
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        resource = f"/blob/{self.account}/{self.name}"
        # Start, identifier, address, protocol and everything after the resource type are empty.
        text = "\n".join([permissions, "", until, resource, "", "", "", VERSION, "c", "", "", "", "", "", "", ""])
        key = base64.b64decode(os.environ["AZURE_STORAGE_ACCESS_KEY"])
        signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        return urllib.parse.urlencode({"sp": permissions, "se": until, "sv": VERSION, "sr": "c", "sig": signature})

    def put(self, blob, content):
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": VERSION}
        request = urllib.request.Request(self.url("w", blob), content, headers, method="PUT")
        OPENER.open(request, timeout=TIMEOUT_SECONDS).close()

    def get(self, blob):
        """Returns the content of a blob, or None if it does not exist."""
        try:
            with OPENER.open(self.url("r", blob), timeout=TIMEOUT_SECONDS) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def content_type(self, blob):
        """Returns the media type of a blob."""
        with OPENER.open(self.url("r", blob), timeout=TIMEOUT_SECONDS) as answer:
            return answer.headers["content-type"]
