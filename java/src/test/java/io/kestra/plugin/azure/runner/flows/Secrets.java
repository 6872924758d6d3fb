package io.kestra.plugin.azure.runner.flows;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;

/** Finds keys in texts, in every form in which they could be printed. */
final class Secrets {
    static final String BATCH_KEY = System.getenv("AZURE_BATCH_ACCESS_KEY");
    static final String STORAGE_KEY = System.getenv("AZURE_STORAGE_ACCESS_KEY");
    /** Part of every signed URL. */
    static final String SIGNATURE = "sig=";

    private Secrets() {
    }

    /** Returns the texts that contain a secret. */
    static List<String> found(List<String> texts, String secret) {
        return texts.stream().filter(text -> forms(secret).anyMatch(text::contains)).toList();
    }

    /** Returns the texts that contain a key of the accounts or a signature. */
    static List<String> found(List<String> texts) {
        return Stream.of(BATCH_KEY, STORAGE_KEY, SIGNATURE).flatMap(secret -> found(texts, secret).stream()).toList();
    }

    static Stream<String> forms(String secret) {
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        return Stream.of(secret, URLEncoder.encode(secret, StandardCharsets.UTF_8), Base64.getEncoder().encodeToString(bytes));
    }
}
