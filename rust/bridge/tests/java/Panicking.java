package io.kestra.plugin.azure.runner;

/** A native method that panics: of {@code rust/bridge/examples/panicking.rs}, not of the library. */
final class Panicking {
    private Panicking() {
    }

    static native void call();
}
