"""A local stand-in for an Azure account: Azurite for the blobs, azure-batch-emulator for Batch."""

import base64
import os
import secrets
import socket
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import blob
import certificates
from certificates import Certificates
from processes import Processes

BLOB_FRONT = Path(__file__).with_name("blob_front.py")
BLOB_GUARD = Path(__file__).with_name("blob_guard.py")
TLS_FRONT = Path(__file__).with_name("tls_front.py")

# Kestra masks the values of secrets in its logs, so these names must not occur in any flow's output.
BATCH_ACCOUNT = "qzbatch7vlocal"
STORAGE_ACCOUNT = "qzstore7vlocal"
# The names that the plugin's examples use.
POOL = "my-pool"
CONTAINER = "my-container"


def _key():
    return base64.b64encode(secrets.token_bytes(64)).decode()


# Who may ask for a federated token.
SUBJECT = "system:serviceaccount:kestra:worker"
# The identity of the pool's nodes.
NODES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes"


def _id():
    return str(uuid.uuid4())


@dataclass
class Cloud:
    """Where the local account is and how to enter it."""

    processes: Processes
    azurite: Path
    emulator: Path | None
    images: dict[str, Path]
    request_log: Path
    # More switches of the emulator.
    switches: list[str] = field(default_factory=list)
    tls: bool = False
    # Neither account permits its key: whoever comes has an identity of Entra ID, whose clients speak https.
    keyless: bool = False
    # What is to fail of the requests to Azurite.
    blob_faults: list[str] = field(default_factory=list)
    batch_key: str = field(default_factory=_key, repr=False)
    storage_key: str = field(default_factory=_key, repr=False)
    batch_endpoint: str = ""
    blob_endpoint: str = ""
    tenant: str = field(default_factory=_id)
    client: str = field(default_factory=_id)
    nodes: str = field(default_factory=_id)
    client_secret: str = field(default_factory=_key, repr=False)
    issuer: str = ""
    _machine: str = ""
    _certificates: Certificates | None = None

    def start(self):
        """Starts both services and creates the blob container."""
        if self.tls:
            self._certificates = certificates.make(self.processes.directory)
        self._start_azurite()
        authority = self._certificates and self._certificates.authority
        blob.create_container(self.blob_endpoint, STORAGE_ACCOUNT, self.storage_key, CONTAINER, authority)
        if self.blob_faults:
            self._start_blob_front()
        if self.emulator is None:
            self.batch_endpoint = f"http://127.0.0.1:{_closed_port()}"
        else:
            self._start_emulator()
        if self.keyless:
            self._start_blob_guard()

    def environment(self):
        """What the tests read, and Kestra's secrets."""
        account, page = self._account(), self._names_of_the_page()
        if self.keyless:
            account, page = _without_keys(account), _without_keys(page)
        names = {"AZURE_BATCH_POOL": POOL, "AZURE_BATCH_REQUEST_LOG": str(self.request_log), "AZURE_STORAGE_CONTAINER": CONTAINER}
        secret = _as_kestra_secrets(account | page)
        return account | names | secret | self._trust() | self._identity()

    def _identity(self):
        """Who the worker may be: what tests give to flows, and what Microsoft's libraries read."""
        if not self.keyless:
            return {}
        return {
            "ENTRA_TENANT_ID": self.tenant,
            "ENTRA_CLIENT_ID": self.client,
            "ENTRA_CLIENT_SECRET": self.client_secret,
            "ENTRA_NODES": NODES,
            "AZURE_AUTHORITY_HOST": self.issuer,
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": self._machine,
            "AZURE_FEDERATED_TOKEN_FILE": str(self._token_file()),
        }

    def _token_file(self):
        return self.processes.directory / "federated-token"

    def _trust(self):
        """What makes the Rust library and the emulator's node trust our certificates."""
        return {"SSL_CERT_FILE": str(self._certificates.authority)} if self._certificates else {}

    def _account(self):
        return {
            "AZURE_BATCH_ACCOUNT": BATCH_ACCOUNT,
            "AZURE_BATCH_ACCESS_KEY": self.batch_key,
            "AZURE_BATCH_ENDPOINT": self.batch_endpoint,
            "AZURE_STORAGE_ACCOUNT": STORAGE_ACCOUNT,
            "AZURE_STORAGE_ACCESS_KEY": self.storage_key,
            "AZURE_STORAGE_ENDPOINT": self.blob_endpoint,
            "AZURE_STORAGE_CONNECTION_STRING": self._connection_string(),
        }

    def _names_of_the_page(self):
        """The names under which the flow of Kestra's page asks for its secrets."""
        return {
            "ACCOUNT": BATCH_ACCOUNT,
            "ACCESSKEY": self.batch_key,
            "ENDPOINT": self.batch_endpoint,
            "CONNECTIONSTRING": self._connection_string(),
            # Of the example with a private registry, which nobody asks.
            "REGISTRY_USER": "registry-user",
            "REGISTRY_PASSWORD": "registry-password",
        }

    def _connection_string(self):
        return (
            f"DefaultEndpointsProtocol={self.blob_endpoint.partition(':')[0]};AccountName={STORAGE_ACCOUNT};"
            f"AccountKey={self.storage_key};BlobEndpoint={self.blob_endpoint};"
        )

    def _start_azurite(self):
        environment = os.environ | {"AZURITE_ACCOUNTS": f"{STORAGE_ACCOUNT}:{self.storage_key}"}
        command = [self.azurite, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]
        command += ["--disableTelemetry", "--skipApiVersionCheck", "--silent"]
        if self._certificates:
            # Azurite must see https itself: the SAS that nodes get is good for https only.
            command += ["--cert", self._certificates.server, "--key", self._certificates.server_key]
        ready = r"Blob service successfully listens on (https?://127\.0\.0\.1:\d+)"
        [origin] = self.processes.start_service("Azurite", command, ready, env=environment)
        self.blob_endpoint = f"{origin}/{STORAGE_ACCOUNT}"

    def _start_blob_front(self):
        port = self.blob_endpoint.rpartition(":")[2].partition("/")[0]
        command = [sys.executable, BLOB_FRONT, port, *self.blob_faults]
        [origin] = self.processes.start_service("blob front", command, r"^listening on (http://127\.0\.0\.1:\d+)$")
        self.blob_endpoint = f"{origin}/{STORAGE_ACCOUNT}"

    def _start_blob_guard(self):
        worker = f"{self.client}=storage-blob-"
        roles = [f"{worker}data-contributor@{CONTAINER}", f"{worker}delegator"]
        roles.append(f"{self.nodes}=storage-blob-data-contributor@{CONTAINER}")
        command = [sys.executable, BLOB_GUARD, "--service", self.blob_endpoint.removesuffix(f"/{STORAGE_ACCOUNT}")]
        command += ["--account", STORAGE_ACCOUNT, "--key", self.storage_key, "--tenant", self.tenant, "--issuer", self._machine]
        command += [word for role in roles for word in ("--role", role)]
        command += ["--tls", self._certificates.server, self._certificates.server_key, "--no-shared-key"]
        command += ["--authority", self._certificates.authority]
        [origin] = self.processes.start_service("blob guard", command, r"^listening on (https://127\.0\.0\.1:\d+)$")
        self.blob_endpoint = f"{origin}/{STORAGE_ACCOUNT}"

    def _start_emulator(self):
        command = [self.emulator, "--listen", "127.0.0.1:0", "--account", BATCH_ACCOUNT]
        command += ["--key", self.batch_key, "--request-log", self.request_log]
        command += ["--pool", f"{POOL}:identity={NODES}" if self.keyless else POOL]
        command += ["--auto-storage", self._connection_string()]
        for name, path in self.images.items():
            command += ["--image", f"{name}={path}"]
        ready = r"^listening on (http://127\.0\.0\.1:\d+)$"
        if self.keyless:
            command += self._principals()
            ready += r"\nissuer on (http://127\.0\.0\.1:\d+)$"
        environment = os.environ | self._trust()
        name = "azure-batch-emulator"
        origin, *issuers = self.processes.start_service(name, command + self.switches, ready, env=environment)
        self.batch_endpoint = self._tls_front("TLS front", origin) if self._certificates else origin
        for self._machine in issuers:
            self.issuer = self._tls_front("TLS front of the issuer", self._machine)

    def _principals(self):
        """A worker that can prove itself in every way, and nodes; neither may do more than it has to."""
        proofs = f"secret={self.client_secret},federated={SUBJECT},managed=system"
        worker = f"client-id={self.client},{proofs},role=azure-batch-job-submitter"
        nodes = f"client-id={self.nodes},managed={NODES}"
        token = f"{SUBJECT}={self._token_file()}"
        switches = ["--tenant", self.tenant, "--principal", worker, "--principal", nodes]
        return [*switches, "--federated-token-file", token, "--authentication-modes", "AAD"]

    def _tls_front(self, name, origin):
        port = origin.rpartition(":")[2]
        command = [sys.executable, TLS_FRONT, self._certificates.server, self._certificates.server_key, port]
        [origin] = self.processes.start_service(name, command, r"^listening on (https://127\.0\.0\.1:\d+)$")
        return origin


def _without_keys(values):
    return {name: value for name, value in values.items() if not name.endswith(("KEY", "STRING"))}


def _as_kestra_secrets(values):
    """Kestra reads `secret('x')` from SECRET_X, base64-encoded, once when it starts."""
    return {f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in values.items()}


def _closed_port():
    """A port where nothing listens: it was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
