//! The server that issues tokens of Microsoft Entra ID.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{StartError, listen};
use crate::entra::{Directory, DirectoryError};
use crate::http::server::serve;
use crate::http::{AppState, issuer};
use crate::settings::EntraSettings;

/// A tenant whose issuer does not serve yet.
pub(super) struct Tenant<'a> {
    settings: &'a EntraSettings,
    pub(super) directory: Arc<Directory>,
    listener: TcpListener,
    address: SocketAddr,
}

/// The running server.
pub(super) struct Issuer {
    pub(super) address: SocketAddr,
    pub(super) server: JoinHandle<()>,
}

impl<'a> Tenant<'a> {
    /// # Errors
    /// Names the principal or the address that cannot be used.
    pub(super) async fn new(settings: &'a EntraSettings) -> Result<Tenant<'a>, StartError> {
        if !settings.listen.ip().is_loopback() {
            return Err(StartError::IssuerNotLoopback(settings.listen));
        }
        let directory = Arc::new(Directory::new(settings)?);
        let (listener, address) = listen(settings.listen).await?;
        Ok(Tenant { settings, directory, listener, address })
    }

    /// Starts to serve.
    pub(super) fn start(self, account: &Arc<AppState>) -> Issuer {
        let router = issuer::router(Arc::clone(account), self.directory, self.settings);
        let server = tokio::spawn(serve(self.listener, router, Arc::clone(account)));
        Issuer { address: self.address, server }
    }
}

impl From<DirectoryError> for StartError {
    fn from(error: DirectoryError) -> StartError {
        StartError::Principal(error.to_string())
    }
}
