package io.kestra.plugin.azure.runner;

/** The Rust library's side of the {@link Boundary}. {@code rust/bridge} exports its native methods by their names. */
final class Native {
    private Native() {
    }

    /**
     * Loads the library, unless this class loader has loaded it already. This is not in a static initialiser, because an exception there becomes a
     * LinkageError: only the first one says why, and Kestra's worker ends on it.
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
            public void select(long run, String selectionJson) {
                Native.select(run, selectionJson);
            }

            @Override
            public void acknowledge(long run) {
                Native.acknowledge(run);
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

    private static native void select(long run, String selectionJson);

    private static native void acknowledge(long run);

    private static native void kill(long run);

    private static native void close(long run);
}
