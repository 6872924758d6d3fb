//! The clouds of Azure: what a service's tokens are for, and who issues them.

use crate::{Error, Result, endpoint};
use azure_core_1::cloud::{CloudConfiguration, CustomConfiguration};
use url::Url;

/// The variable that names another authority, as in all of Microsoft's libraries.
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";

/// One of the clouds that Microsoft runs apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloud {
    Public,
    China,
    UsGovernment,
}

impl Cloud {
    /// The cloud of an endpoint of Batch. An endpoint by another name, of a proxy or an emulator, is of the public one.
    pub(crate) fn of(endpoint: &Url) -> Self {
        let host = endpoint.host_str().unwrap_or_default();
        if host.ends_with(".chinacloudapi.cn") {
            Self::China
        } else if host.ends_with(".usgovcloudapi.net") {
            Self::UsGovernment
        } else {
            Self::Public
        }
    }

    /// What a token for Batch is asked for. The audience ends with a slash, hence two.
    ///
    /// [Authenticate with Entra ID](https://learn.microsoft.com/azure/batch/batch-aad-auth)
    pub(crate) fn batch_scope(self) -> &'static str {
        match self {
            Self::Public => "https://batch.core.windows.net//.default",
            Self::China => "https://batch.chinacloudapi.cn//.default",
            Self::UsGovernment => "https://batch.core.usgovcloudapi.net//.default",
        }
    }

    /// Who issues tokens.
    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::China => "https://login.chinacloudapi.cn",
            Self::UsGovernment => "https://login.microsoftonline.us",
        }
    }
}

/// Who issues tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority(Url);

impl Authority {
    /// The one of this cloud, unless the environment names another.
    ///
    /// # Errors
    /// A `Configuration` error where the variable holds no https URL.
    pub(crate) fn of(cloud: Cloud, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let named = variable(AUTHORITY).filter(|url| !url.trim().is_empty());
        let text = named.unwrap_or_else(|| cloud.authority().to_owned());
        let wrong = |reason: &str| Error::configuration(format!("{AUTHORITY} {reason}"));
        let url = endpoint::parse(&text).map_err(|reason| wrong(&reason))?;
        if url.scheme() == "https" { Ok(Self(url)) } else { Err(wrong("must begin with https://")) }
    }

    /// Where a tenant's tokens are asked for: the audience of a signed assertion.
    pub(crate) fn token_url(&self, tenant: &str) -> String {
        let mut url = self.0.clone();
        url.set_path(&format!("/{tenant}/oauth2/v2.0/token"));
        url.into()
    }

    pub(crate) fn configuration(&self) -> CloudConfiguration {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = self.to_string();
        custom.into()
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_says_its_cloud() {
        for (endpoint, cloud) in [
            ("https://a.westeurope.batch.azure.com", Cloud::Public),
            ("https://a.chinaeast.batch.chinacloudapi.cn", Cloud::China),
            ("https://a.usgovvirginia.batch.usgovcloudapi.net", Cloud::UsGovernment),
            ("http://127.0.0.1:10200", Cloud::Public),
            ("https://batch.usgovcloudapi.net.example.com", Cloud::Public),
        ] {
            assert_eq!(Cloud::of(&Url::parse(endpoint).unwrap()), cloud, "{endpoint}");
        }
    }

    #[test]
    fn the_environment_may_name_another_authority_by_https_alone() {
        let of = |value: &str| {
            let value = value.to_owned();
            Authority::of(Cloud::China, move |_| Some(value.clone()))
        };
        assert_eq!(of(" ").unwrap().to_string(), "https://login.chinacloudapi.cn");
        let named = of("https://login.example/").unwrap();
        assert_eq!(named.to_string(), "https://login.example");
        assert_eq!(named.token_url("t"), "https://login.example/t/oauth2/v2.0/token");
        for bad in ["http://127.0.0.1:1", "login.example", "https://u:canary@login.example"] {
            let error = of(bad).unwrap_err().to_string();
            assert!(
                error.starts_with("AZURE_AUTHORITY_HOST") && !error.contains("canary"),
                "{error}"
            );
        }
    }
}
