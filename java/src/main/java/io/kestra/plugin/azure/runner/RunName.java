package io.kestra.plugin.azure.runner;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The name of a run: of its working directory in the container, and the first part of the names of its blobs. The id of its job ends in the same digest
 * and token.
 *
 * @param digest stands for the Kestra task run: the same in all of its attempts and on every worker
 * @param token random, so that no two runs share a name
 */
record RunName(String digest, String token) {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final String ATTEMPT = "kestra-taskrun-attempt";
    private static final int DIGEST_BYTES = 10;
    private static final int TOKEN_BYTES = 6;

    /**
     * Returns a new name for a run of the task run that has these labels.
     *
     * @param labels Kestra's labels of the task run. If they say no more than its attempt, the digest is random: no other task run may share it
     */
    static RunName of(Map<String, String> labels) {
        SortedMap<String, String> taskRun = new TreeMap<>(labels);
        taskRun.remove(ATTEMPT);
        return new RunName(taskRun.isEmpty() ? random(DIGEST_BYTES) : digest(taskRun), random(TOKEN_BYTES));
    }

    @Override
    public String toString() {
        return "kestra-" + digest + "-" + token;
    }

    private static String digest(SortedMap<String, String> labels) {
        MessageDigest sha256 = sha256();
        labels.forEach((name, value) -> {
            update(sha256, name);
            update(sha256, value);
        });
        return HexFormat.of().formatHex(Arrays.copyOf(sha256.digest(), DIGEST_BYTES));
    }

    /** Adds a text with its length, so that texts divided in another way have another digest. */
    private static void update(MessageDigest digest, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
        digest.update(bytes);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java has no SHA-256, which every Java must have", e);
        }
    }

    private static String random(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
