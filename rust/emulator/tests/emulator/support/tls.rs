//! A TLS proxy for a server on this machine, with its own certificate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Accepts TLS connections and forwards their bytes to a server without TLS.
pub(crate) struct TlsFront {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// The certificate that clients must trust.
    pub(crate) certificate: PathBuf,
    _directory: TempDir,
    server: JoinHandle<()>,
}

impl TlsFront {
    pub(crate) async fn start(behind: &str) -> TlsFront {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) =
            (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
        make_certificate(&certificate, &key);
        let acceptor = acceptor(&certificate, &key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(serve(listener, acceptor, behind.to_owned()));
        TlsFront { address, certificate, _directory: directory, server }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: String) {
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        // A client without trust closes the connection during the handshake.
        tokio::spawn(async move {
            let mut client = acceptor.accept(client).await?;
            let mut server = TcpStream::connect(behind).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

fn acceptor(certificate: &Path, key: &Path) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()))
}

/// A self-signed certificate for 127.0.0.1, and its key, by openssl.
pub(crate) fn make_certificate(certificate: &Path, key: &Path) {
    let options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:FALSE";
    let mut openssl = Command::new("openssl");
    openssl.args(options.split_whitespace());
    openssl.arg("-keyout").arg(key).arg("-out").arg(certificate);
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
