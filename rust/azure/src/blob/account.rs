//! A storage account, from a connection string or from its parts.

use super::connection_string::{
    ACCOUNT, ConnectionString, DEVELOPMENT, DEVELOPMENT_PROXY, ENDPOINT, KEY, PROTOCOL, SAS, SUFFIX,
};
use super::{access::Access, sas::Sas};
use crate::{
    Error, Result, SharedKey, endpoint,
    identity::{Identity, Tokens},
};
use std::result::Result as StdResult;
use time::OffsetDateTime;
use url::Url;

/// The account of Azurite and of its predecessor, published for everybody to use:
/// [well-known account](https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key)
const DEVELOPMENT_ACCOUNT: &str = "devstoreaccount1";
const DEVELOPMENT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const DEVELOPMENT_PORT: u16 = 10000;

/// Services of a storage account that have endpoints of their own.
const OTHER_SERVICES: [&str; 5] = ["dfs", "file", "queue", "table", "web"];

/// Where an account's blobs are, and what gives access to them, which `Debug` hides.
#[derive(Clone, Debug)]
pub struct StorageAccount {
    pub(crate) endpoint: Url,
    name: String,
    pub(crate) access: Access,
}

impl StorageAccount {
    /// From an account's connection string, as it is pasted: names in any case and order, blanks, line
    /// ends and quotes around and within.
    ///
    /// # Errors
    /// A `Configuration` error that names the part that is missing or wrong and never shows the string.
    pub fn from_connection_string(text: &str) -> Result<Self> {
        let parts = ConnectionString::parse(text).map_err(bad_string)?;
        if let Some(value) = parts.get(DEVELOPMENT) {
            return development(value, &parts).map_err(bad_string);
        }
        let Some(key) = parts.get(KEY) else { return by_sas(&parts) };
        let account = parts.get(ACCOUNT).ok_or_else(|| bad_string(missing(ACCOUNT)))?;
        let key = SharedKey::new(account, key)?;
        let endpoint = blob_endpoint(&parts, account).map_err(bad_string)?;
        Ok(Self::of(endpoint, account, Access::Key(key)))
    }

    /// From the endpoint of the blob service, with the account in its host
    /// (`https://account.blob.core.windows.net`) or its path
    /// (`http://127.0.0.1:10000/devstoreaccount1`), and the account's key.
    ///
    /// # Errors
    /// A `Configuration` error where the endpoint cannot be one.
    pub fn new(endpoint: &str, key: SharedKey) -> Result<Self> {
        let url = parse_endpoint(endpoint, key.account()).map_err(bad_endpoint)?;
        let name = key.account().to_owned();
        Ok(Self::of(url, &name, Access::Key(key)))
    }

    /// The same, with a SAS for the container or for the account.
    ///
    /// # Errors
    /// A `Configuration` error that says what the SAS lacks, or that the endpoint cannot be one.
    pub fn with_sas(endpoint: &str, sas: &str) -> Result<Self> {
        Self::without_key(endpoint, Access::Sas(Sas::parse(sas)?))
    }

    /// The same, for an identity of Entra ID.
    ///
    /// # Errors
    /// A `Configuration` error where the endpoint cannot be one.
    pub fn with_identity(endpoint: &str, tokens: Tokens) -> Result<Self> {
        Self::without_key(endpoint, Access::Tokens(tokens))
    }

    fn without_key(endpoint: &str, access: Access) -> Result<Self> {
        let name = account_of(endpoint);
        let url = parse_endpoint(endpoint, &name).map_err(bad_endpoint)?;
        Ok(Self::of(url, &name, access))
    }

    fn of(endpoint: Url, name: &str, access: Access) -> Self {
        Self { endpoint, name: name.to_owned(), access }
    }

    /// The account's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identity that signs in; None where a key or a SAS gives access.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.access {
            Access::Tokens(tokens) => Some(tokens.identity()),
            _ => None,
        }
    }

    /// When the SAS ends that gives access; None where there is no such moment.
    #[must_use]
    pub fn expires(&self) -> Option<OffsetDateTime> {
        match &self.access {
            Access::Sas(sas) => sas.expires(),
            _ => None,
        }
    }

    /// The same, from the account's name and its key in base64.
    ///
    /// # Errors
    /// Those of [`SharedKey::new`] and [`StorageAccount::new`].
    pub fn from_parts(endpoint: &str, account: &str, key: &str) -> Result<Self> {
        Self::new(endpoint, SharedKey::new(account, key)?)
    }

    /// The endpoint of the blob service, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

fn bad_string(reason: String) -> Error {
    Error::configuration(format!(
        "the connection string of the storage account {reason}; copy it whole from the \
         account's Access keys page: DefaultEndpointsProtocol=https;AccountName=...;AccountKey=..."
    ))
}

fn missing(name: &str) -> String {
    format!("has no {name}")
}

fn bad_endpoint(reason: String) -> Error {
    Error::configuration(format!(
        "the blob endpoint {reason}; it looks like https://account.blob.core.windows.net"
    ))
}

/// The form that the portal shows for a SAS has endpoints, and no account's name.
fn by_sas(parts: &ConnectionString) -> Result<StorageAccount> {
    let sas = parts.get(SAS).ok_or_else(|| bad_string(missing(KEY)))?;
    let wrong = |error| bad_string(format!("has a {SAS} that does not do ({error})"));
    let sas = Sas::parse(sas).map_err(wrong)?;
    let account = parts.get(ACCOUNT).map(str::to_owned);
    let account = account.or_else(|| parts.get(ENDPOINT).map(account_of));
    let account =
        account.ok_or_else(|| bad_string(format!("has neither {ENDPOINT} nor {ACCOUNT}")))?;
    let endpoint = blob_endpoint(parts, &account).map_err(bad_string)?;
    Ok(StorageAccount::of(endpoint, &account, Access::Sas(sas)))
}

/// The account's name as its endpoint has it: in its path, or else as the first part of its host.
fn account_of(endpoint: &str) -> String {
    let Ok(url) = Url::parse(endpoint.trim()) else { return String::new() };
    let path = url.path().trim_matches('/');
    let host = url.host_str().unwrap_or_default().split('.').next().unwrap_or_default();
    if path.is_empty() { host } else { path }.to_owned()
}

/// Azurite's own account, at its usual port. `DevelopmentStorageProxyUri` says on which host.
fn development(value: &str, parts: &ConnectionString) -> StdResult<StorageAccount, String> {
    if !value.eq_ignore_ascii_case("true") {
        return Err(format!("has {DEVELOPMENT} with another value than true"));
    }
    if let Some(name) = [ACCOUNT, KEY, ENDPOINT].into_iter().find(|name| parts.get(name).is_some())
    {
        return Err(format!("has {DEVELOPMENT} together with {name}; keep one of the two"));
    }
    let host = parts.get(DEVELOPMENT_PROXY).unwrap_or("http://127.0.0.1");
    let wrong = |reason| format!("has a {DEVELOPMENT_PROXY} that {reason}");
    let mut endpoint = parse_endpoint(host, DEVELOPMENT_ACCOUNT).map_err(wrong)?;
    endpoint.set_path(DEVELOPMENT_ACCOUNT);
    if endpoint.port().is_none() {
        endpoint.set_port(Some(DEVELOPMENT_PORT)).map_err(|()| wrong("has no host".to_owned()))?;
    }
    let key = SharedKey::new(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY).map_err(|e| e.to_string())?;
    Ok(StorageAccount::of(endpoint, DEVELOPMENT_ACCOUNT, Access::Key(key)))
}

/// `BlobEndpoint`, or what protocol, account and suffix make.
fn blob_endpoint(parts: &ConnectionString, account: &str) -> StdResult<Url, String> {
    if let Some(endpoint) = parts.get(ENDPOINT) {
        return parse_endpoint(endpoint, account)
            .map_err(|reason| format!("has a {ENDPOINT} that {reason}"));
    }
    let protocol = parts.get(PROTOCOL).unwrap_or("https");
    if !protocol.eq_ignore_ascii_case("https") {
        return Err(format!(
            "must have {PROTOCOL}=https: keys and signed URLs would travel unencrypted"
        ));
    }
    let suffix = parts.get(SUFFIX).unwrap_or("core.windows.net");
    let suffix = suffix.rsplit("//").next().unwrap_or_default().trim_matches(['.', '/']);
    let suffix = suffix.strip_prefix("blob.").unwrap_or(suffix);
    if suffix.is_empty() || !suffix.chars().all(endpoint::is_host) {
        return Err(format!("has an {SUFFIX} that is not one: core.windows.net for example"));
    }
    parse_endpoint(&format!("https://{account}.blob.{suffix}"), account)
        .map_err(|reason| format!("leads to an endpoint that {reason}"))
}

/// An endpoint of the account's blobs, its path without slashes at its end.
fn parse_endpoint(text: &str, account: &str) -> StdResult<Url, String> {
    let mut url = endpoint::parse(text)?;
    let labels: Vec<&str> = url.host_str().unwrap_or_default().split('.').collect();
    let in_host = labels.first() == Some(&account);
    if labels.first().and_then(|label| label.strip_suffix("-secondary")) == Some(account) {
        return Err("is the secondary one, which cannot be written to".to_owned());
    }
    if let Some(other) = OTHER_SERVICES.iter().find(|name| in_host && labels.get(1) == Some(name)) {
        return Err(format!("is the one of '{other}'; take the one with '.blob.'"));
    }
    let path = url.path().trim_matches('/').to_owned();
    if !path.is_empty() && (in_host || path != account) {
        return Err("has a path: it ends with its host, or for Azurite with the account's name, \
                    and containerName names the container"
            .to_owned());
    }
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use base64::{Engine, prelude::BASE64_STANDARD};
    use proptest::prelude::*;

    const AZURE: &str = "https://acct.blob.core.windows.net";

    fn endpoint_of(text: &str) -> String {
        let account = StorageAccount::from_connection_string(text);
        account.unwrap_or_else(|error| panic!("{text}: {error}")).endpoint().to_owned()
    }

    #[test]
    fn connection_strings_lead_to_their_endpoint() {
        let table = [
            ("AccountName=acct;AccountKey=a2V5", AZURE),
            (
                "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn",
                "https://acct.blob.core.chinacloudapi.cn",
            ),
            (
                " accountkey = a2V5 ; BLOBENDPOINT=http://127.0.0.1:1/acct/ ;;accountname=acct;",
                "http://127.0.0.1:1/acct",
            ),
            (
                "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=a2V5;BlobEndpoint=http://localhost:1/acct;New=1",
                "http://localhost:1/acct",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://files.example/",
                "https://files.example",
            ),
            ("UseDevelopmentStorage=TRUE", "http://127.0.0.1:10000/devstoreaccount1"),
            (
                "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://localhost",
                "http://localhost:10000/devstoreaccount1",
            ),
            (
                "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1:1/",
                "http://127.0.0.1:1/devstoreaccount1",
            ),
        ];
        for (text, endpoint) in table {
            assert_eq!(endpoint_of(text), endpoint, "{text}");
        }
    }

    #[test]
    fn connection_strings_work_as_people_paste_them() {
        let plain = "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5a2V5cQ==";
        for pasted in [
            format!("\"{plain}\""),
            format!("'{plain};'\n"),
            format!("\u{201c}{plain}\u{201d}"),
            format!("\u{feff}{plain}\r\n"),
            format!("connectionString: {plain}"),
            format!("  connectionString: \"{plain}\""),
            format!("export AZURE_STORAGE_CONNECTION_STRING='{plain}'"),
            format!("{{\n  \"connectionString\": \"{plain}\"\n}}\n"),
            plain.replace(';', ";\n  "),
            plain.replace("a2V5", "a2V\n5"),
            plain.replace("AccountName=acct", "AccountName = \"acct\""),
            plain.replace("==", ""),
            plain.replace("==", "="),
            format!("{plain};AccountName=acct;SecondaryEndpoint=https://x"),
            format!("{plain};EndpointSuffix=.core.windows.net"),
            format!("{plain};EndpointSuffix=https://core.windows.net/"),
            format!("{plain};EndpointSuffix=blob.core.windows.net"),
            format!("{plain};SharedAccessSignature=sv=1&sig=abc"),
        ] {
            assert_eq!(endpoint_of(&pasted), AZURE, "{pasted}");
            let account = StorageAccount::from_connection_string(&pasted).unwrap();
            let Access::Key(key) = account.access else { panic!("{pasted}") };
            assert_eq!(key.expose_base64(), "a2V5a2V5cQ==", "{pasted}");
        }
    }

    #[test]
    fn bad_connection_strings_name_the_part_that_is_wrong_and_show_nothing() {
        let sas = "sv=2022-11-02&ss=b&sig=canary%3D";
        let table = [
            ("", "is empty"),
            (" \n", "is empty"),
            ("AccountKey=canary", "has no AccountName"),
            ("AccountName=acct", "has no AccountKey"),
            ("AccountName=acct;AccountKey=", "has no AccountKey"),
            ("AccountName=acct;AccountKey=canary!", "is not base64"),
            ("AccountName=acct;canary", "part 2 of it is not NAME=VALUE"),
            ("AccountName=Canary-canary;AccountKey=a2V5", "3 to 24 lower-case letters and digits"),
            (
                "AccountName=acct;SharedAccessSignature=sp=r&sr=c&sig=canary",
                "this SAS allows (sp) too little",
            ),
            (
                "SharedAccessSignature=sp=rwdl&sr=c&sig=canary",
                "neither BlobEndpoint nor AccountName",
            ),
            (&format!("AccountName=acct;AccountKey={sas}"), "is a SAS"),
            (&format!("AccountName=acct;AccountKey=?{sas}"), "is a SAS"),
            (&format!("?{sas}"), "is a SAS"),
            (sas, "is a SAS"),
            (&format!("{AZURE}/box?{sas}"), "is a URL with a SAS"),
            (AZURE, "is a URL"),
            ("canarycanarycanary==", "is it only the key?"),
            ("canarycanarycanary", "is it only the key?"),
            ("AccountName=acctAccountKey=canary", "lacks a ';' before AccountKey"),
            (
                "AccountName=acct;AccountKey=canary==EndpointSuffix=core.windows.net",
                "lacks a ';' before EndpointSuffix",
            ),
            ("AccountName=acct;AccountKey=a2V5;AccountKey=canary", "has AccountKey twice"),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://h/?sig=canary",
                "BlobEndpoint that must not have a query",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=canary",
                "BlobEndpoint that is not a URL",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=http://h",
                "BlobEndpoint that must be https",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://acct.blob.core.windows.net/box",
                "containerName names the container",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://acct.blob.core.windows.net/acct",
                "containerName names the container",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/acct/box",
                "containerName names the container",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://acct.dfs.core.windows.net",
                "BlobEndpoint that is the one of 'dfs'",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;BlobEndpoint=https://acct-secondary.blob.core.windows.net",
                "is the secondary one",
            ),
            (
                "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=a2V5",
                "must have DefaultEndpointsProtocol=https",
            ),
            (
                "AccountName=acct;AccountKey=a2V5;EndpointSuffix=h/?canary",
                "has an EndpointSuffix that is not one",
            ),
            ("UseDevelopmentStorage=yes", "UseDevelopmentStorage with another value"),
            (
                "UseDevelopmentStorage=true;AccountKey=canary",
                "UseDevelopmentStorage together with AccountKey",
            ),
            (
                "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host.docker.internal",
                "DevelopmentStorageProxyUri that must be https",
            ),
            (
                "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=canary=",
                "is one of a service other than Storage",
            ),
            (
                "SharedAccessKeyName=Root;SharedAccessKey=canary=",
                "is one of Event Hubs, Service Bus",
            ),
            (
                "AccountEndpoint=https://n.documents.azure.com:443/;AccountKey=canary==;",
                "is one of Cosmos DB",
            ),
            ("Server=tcp:n,1433;Password=canary", "is one of a database"),
        ];
        for (text, reason) in table {
            let error = StorageAccount::from_connection_string(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let message = error.to_string();
            assert!(message.contains(reason), "{text}: {message}");
            assert!(!format!("{message}{error:?}").contains("canary"), "{text}: {message}");
        }
    }

    #[test]
    fn plain_http_is_for_azurite_on_this_machine_only() {
        let make = |endpoint| StorageAccount::from_parts(endpoint, "acct", "a2V5");
        assert!(make("http://127.0.0.1:10000/acct").is_ok());
        let error = make("http://acct.blob.core.windows.net").unwrap_err().to_string();
        assert!(error.contains("must be https") && error.contains("unencrypted"), "{error}");
    }

    #[test]
    fn the_debug_text_of_an_account_holds_no_key() {
        let account = StorageAccount::from_parts("https://h", "acct", "Y2FuYXJ5").unwrap();
        let text = format!("{account:?}");
        assert!(text.contains("***") && !text.contains("Y2FuYXJ5"), "{text}");
    }

    /// Every piece of a secret that would tell something.
    fn shows(secret: &str, text: &str) -> bool {
        let windows: Vec<char> = secret.chars().collect();
        windows.windows(8).any(|piece| text.contains(&piece.iter().collect::<String>()))
    }

    /// What a connection string may be made of, the place of a secret marked by `@`.
    fn piece() -> impl Strategy<Value = String> {
        let names = [
            "AccountName=acct",
            "AccountKey=@",
            "SharedAccessSignature=sv=1&sig=@",
            "SharedAccessKey=@",
            "BlobEndpoint=https://acct.blob.core.windows.net",
            "BlobEndpoint=https://h/box?sig=@",
            "Password=@",
            "BlobEndpoint=https://u:@@h",
            "AccountName=@",
            "EndpointSuffix=@",
            "UseDevelopmentStorage=true",
            "@",
            "DefaultEndpointsProtocol=http",
            "https://h/?sig=@",
            "connectionString: AccountKey=@",
        ];
        let mutated =
            (proptest::sample::select(names.to_vec()), any::<prop::sample::Index>(), any::<bool>());
        mutated.prop_map(|(piece, at, cut)| {
            let mut chars: Vec<char> = piece.chars().collect();
            let at = at.index(chars.len());
            if cut && chars[at] != '@' && chars[at] != '=' {
                chars.remove(at);
            }
            chars.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn no_piece_of_a_secret_is_shown_whatever_is_pasted(
            pieces in prop::collection::vec(piece(), 0..6),
            separator in prop::sample::select(vec![";", "; ", ";\n", "", "\n", "&"]),
            secret in prop::collection::vec(any::<u8>(), 24..64),
        ) {
            let secret = BASE64_STANDARD.encode(secret);
            let text = pieces.join(separator).replace('@', &secret);
            let told = match StorageAccount::from_connection_string(&text) {
                Ok(account) => format!("{account:?}"),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::Configuration);
                    format!("{error} {error:?}")
                }
            };
            prop_assert!(!shows(&secret, &told), "{}", told);
        }

        #[test]
        fn any_string_is_taken_or_refused_as_configuration(text in any::<String>()) {
            if let Err(error) = StorageAccount::from_connection_string(&text) {
                prop_assert_eq!(error.kind(), ErrorKind::Configuration);
            }
        }
    }
}
