package io.kestra.plugin.azure.runner;

/** The Rust library's side of the {@link Boundary}. Its names are known to {@code rust/bridge}. */
final class Native {
    private Native() {
    }

    /**
     * Loads the library if this class loader has not done so yet. Not in a static initialiser: what is thrown
     * there is a LinkageError, of which only the first says why, and which Kestra takes for the worker's own end.
     */
    static Boundary boundary() {
        NativeLibrary.load();
        return new Boundary() {
            @Override
            public long start(String requestJson) {
                return Native.start(requestJson);
            }

            @Override
            public String next(long run, long timeoutMillis) {
                return Native.next(run, timeoutMillis);
            }

            @Override
            public void kill(long run) {
                Native.kill(run);
            }

            @Override
            public void close(long run) {
                Native.close(run);
            }
        };
    }

    private static native long start(String requestJson);

    private static native String next(long run, long timeoutMillis);

    private static native void kill(long run);

    private static native void close(long run);
}
