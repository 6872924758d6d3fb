package io.kestra.plugin.azure.runner.flows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Accepts one connection and never answers: a client waits, and can be stopped at a known step. */
final class SilentServer implements AutoCloseable {
    private static final int LIMIT_SECONDS = 60;

    private final ServerSocket server;
    private final CompletableFuture<Socket> connection = new CompletableFuture<>();

    SilentServer() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** Waits until a client has sent the first byte of a request. */
    void awaitConnection() throws Exception {
        connection.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private void accept() {
        try {
            var socket = server.accept();
            socket.getInputStream().read();
            connection.complete(socket);
        } catch (IOException e) {
            connection.completeExceptionally(e);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        if (connection.isDone() && !connection.isCompletedExceptionally()) {
            connection.join().close();
        }
    }
}
