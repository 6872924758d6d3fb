package io.kestra.plugin.azure.runner.flows;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The certificate authority that SSL_CERT_FILE names. Rust reads that variable, Java does not. */
final class TestAuthority {
    private TestAuthority() {
    }

    /** Returns a client that trusts the same authorities as the Rust library. */
    static HttpClient client() {
        var file = System.getenv("SSL_CERT_FILE");
        var client = HttpClient.newBuilder();
        return (file == null ? client : client.sslContext(trusting(Path.of(file)))).build();
    }

    private static SSLContext trusting(Path certificates) {
        try (var content = Files.newInputStream(certificates)) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int count = 0;
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(content)) {
                store.setCertificateEntry("authority-" + count++, certificate);
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("the certificates in " + certificates + " cannot be used", e);
        }
    }
}
