package io.kestra.plugin.azure.runner.flows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The jobs of the emulator, and the requests that it has received. */
final class Emulator {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String VERSION = "2025-06-01";
    /** How long the account refuses requests that are too many. */
    private static final long SECOND_MILLIS = 1_000;

    private final String account = variable("AZURE_BATCH_ACCOUNT");
    private final String key = variable("AZURE_BATCH_ACCESS_KEY");
    private final String endpoint = variable("AZURE_BATCH_ENDPOINT");
    private final Path requestLog = Path.of(variable("AZURE_BATCH_REQUEST_LOG"));

    /** A line of the request log. */
    record Request(String method, String path, int status, String fault) {
        boolean createsJob() {
            return method.equals("POST") && path.equals("/jobs");
        }

        /** Returns whether a job was created, although the answer may be another. */
        boolean createdJob() {
            return createsJob() && (status == 201 || fault.contains("429-after"));
        }
    }

    /** Returns the ids of the jobs that count against the quota. */
    List<String> activeJobs() {
        return ids(job -> job.path("state").asText().equals("active"));
    }

    /** Returns the ids of all jobs. */
    List<String> jobs() {
        return ids(job -> true);
    }

    private List<String> ids(Predicate<JsonNode> wanted) {
        return StreamSupport.stream(get("/jobs").path("value").spliterator(), false)
            .filter(wanted)
            .map(job -> job.path("id").asText())
            .toList();
    }

    /** Returns every request so far, in the order of arrival. */
    List<Request> requests() throws IOException {
        try (var lines = Files.lines(requestLog)) {
            return lines.map(Emulator::parse)
                .map(line -> new Request(line.path("method").asText(), line.path("path").asText(), line.path("status").asInt(), line.path("fault").asText()))
                .toList();
        }
    }

    /** Returns how many jobs have been created so far. */
    long jobsCreated() throws IOException {
        return requests().stream().filter(Request::createdJob).count();
    }

    private JsonNode get(String path) {
        var date = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
        var request = HttpRequest.newBuilder(URI.create(endpoint + path + "?api-version=" + VERSION))
            .header("ocp-date", date)
            .header("Authorization", "SharedKey " + account + ":" + signature(path, date))
            .build();
        try (var client = TestAuthority.client()) {
            var response = client.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() == 429) {
                Thread.sleep(SECOND_MILLIS);
                return get(path);
            }
            if (response.statusCode() != 200) {
                throw new IllegalStateException("GET " + path + " answered " + response.statusCode() + ": " + response.body());
            }
            return parse(response.body());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("GET " + path + " failed", e);
        }
    }

    /** Signs a GET request whose only header to sign is the date and whose only query parameter is the version. */
    private String signature(String path, String date) {
        var text = "GET" + "\n".repeat(12) + "ocp-date:" + date + "\n/" + account + path + "\napi-version:" + VERSION;
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(Base64.getDecoder().decode(key), "HmacSHA256"));
            return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new IllegalStateException("not JSON: " + json, e);
        }
    }

    private static String variable(String name) {
        return Optional.ofNullable(System.getenv(name))
            .orElseThrow(() -> new IllegalStateException(name + " is not set: 'make test' starts an emulator and sets it"));
    }
}
