package io.kestra.plugin.azure.demo;

/** The demo did not have the expected result. The message says what is missing. */
final class DemoFailure extends RuntimeException {
    DemoFailure(String message) {
        super(message);
    }
}
