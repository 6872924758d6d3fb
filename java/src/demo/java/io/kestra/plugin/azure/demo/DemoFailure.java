package io.kestra.plugin.azure.demo;

/** The demo did not show what it is there to show; the message says what is missing. */
final class DemoFailure extends RuntimeException {
    DemoFailure(String message) {
        super(message);
    }
}
