"""The one blob request that the kit needs: Create Container, signed with the storage account's key.

https://learn.microsoft.com/rest/api/storageservices/create-container
https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

import base64
import hashlib
import hmac
import ssl
import urllib.request
from email.utils import formatdate

VERSION = "2021-12-02"
TIMEOUT_SECONDS = 10
# Content-Encoding to Range, all empty: there is no body, and the date travels as x-ms-date.
EMPTY_HEADERS = "\n" * 12


def create_container(endpoint, account, key, container, authority=None):
    """Creates a container. `endpoint` is path-style (http://host:port/account), as Azurite's is.

    `authority` is the certificate to trust where the endpoint is https.
    """
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
    canonical_headers = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    # A path-style endpoint holds the account in its path already, so the signed resource names it twice.
    resource = f"/{account}/{account}/{container}\nrestype:container"
    text = "PUT" + EMPTY_HEADERS + canonical_headers + resource
    signature = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(signature).decode()}"
    headers["Content-Length"] = "0"
    url = f"{endpoint}/{container}?restype=container"
    request = urllib.request.Request(url, method="PUT", headers=headers)
    # Without proxies: the request stays on this machine whatever the environment says.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority)),
    )
    opener.open(request, timeout=TIMEOUT_SECONDS).close()
