package io.kestra.plugin.azure.runner.flows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A proxy for a service. It reports each request of the task runner when the service has answered, and before it passes the answer on: a client that
 * is killed at that moment has had its request executed and does not know it.
 */
final class Front implements AutoCloseable {
    /** The requests of the emulator's nodes do not have this header, and are not reported. */
    private static final String OURS = "\r\nuser-agent:";
    private static final Pattern LENGTH = Pattern.compile("\r\ncontent-length: *(\\d+)", Pattern.CASE_INSENSITIVE);
    private static final byte[] END_OF_HEAD = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final URI service;
    private final Consumer<String> answered;

    /** @param answered is called with the first line of each request */
    Front(URI service, Consumer<String> answered) throws IOException {
        this.service = service;
        this.answered = answered;
        Thread.ofVirtual().start(this::accept);
    }

    /** Returns the address of the service with the host and port of this proxy. */
    String address() {
        return "http://127.0.0.1:" + server.getLocalPort() + service.getPath();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                var client = server.accept();
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    /** Serves the only request of a connection. */
    private void serve(Socket client) {
        try (client; var upstream = new Socket(service.getHost(), service.getPort())) {
            var head = head(client.getInputStream());
            if (head.isEmpty()) {
                return;
            }
            var out = upstream.getOutputStream();
            out.write(head.replaceFirst("\r\n", "\r\nConnection: close\r\n").getBytes(StandardCharsets.ISO_8859_1));
            out.write(client.getInputStream().readNBytes(bodyLength(head)));
            out.flush();
            var answer = upstream.getInputStream().readAllBytes();
            if (head.toLowerCase().contains(OURS)) {
                answered.accept(head.substring(0, head.indexOf("\r\n")));
            }
            client.getOutputStream().write(answer);
        } catch (IOException e) {
            // The client has closed the connection.
        }
    }

    private static String head(InputStream in) throws IOException {
        var head = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < END_OF_HEAD.length) {
            int next = in.read();
            if (next < 0) {
                return "";
            }
            head.write(next);
            matched = next == END_OF_HEAD[matched] ? matched + 1 : next == END_OF_HEAD[0] ? 1 : 0;
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private static int bodyLength(String head) {
        var length = LENGTH.matcher(head);
        return length.find() ? Integer.parseInt(length.group(1)) : 0;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
