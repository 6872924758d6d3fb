//! Azurite that accepts tokens of Entra ID. It does so by https alone; what stands in front of it here speaks http, so that
//! neither clients nor nodes have to trust a certificate of a test.

use crate::{azurite::Azurite, tls::make_certificate};
use std::{path::Path, sync::Arc};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// Ends with the test.
pub(crate) struct Front(JoinHandle<()>);

impl Drop for Front {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Its endpoint is that of the front.
pub(crate) async fn start() -> (Azurite, Front) {
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = ["c.pem", "k.pem"].map(|name| directory.path().join(name));
    make_certificate(&certificate, &key);
    let files = ["--cert", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let switches = [&["--oauth", "basic", "--inMemoryPersistence"][..], &files].concat();
    let mut azurite = Azurite::start_with(&switches).await;
    let behind = azurite.endpoint.trim_start_matches("https://").split('/').next().unwrap();
    let behind = behind.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    azurite.endpoint = azurite.endpoint.replace("https", "http").replace(&behind, &address);
    let front = Front(tokio::spawn(serve(listener, connector(&certificate), behind)));
    (azurite, front)
}

async fn serve(listener: TcpListener, connector: TlsConnector, behind: String) {
    while let Ok((mut client, _)) = listener.accept().await {
        let (connector, behind) = (connector.clone(), behind.clone());
        // Whichever side has gone: the other one notices.
        tokio::spawn(async move {
            let server = TcpStream::connect(behind).await?;
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let mut server = connector.connect(name, server).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

fn connector(trusted: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
