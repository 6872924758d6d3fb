package io.kestra.plugin.azure.runner.flows;

import io.kestra.worker.DefaultWorker;
import io.micronaut.context.ApplicationContext;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A Kestra worker in a process of its own, like {@code kestra server worker}. */
final class WorkerProcess implements AutoCloseable {
    private static final int THREADS = 4;

    private final Process process;

    private WorkerProcess(Process process) {
        this.process = process;
    }

    /**
     * Boots a worker that gets no tasks before {@link #go}.
     *
     * @param classPath the engine, and one version of the plugin
     * @param environment variables that differ from those of this process, such as the addresses of the services
     */
    static WorkerProcess boot(String classPath, Path database, Path storage, Map<String, String> environment) throws IOException {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var builder = new ProcessBuilder(List.of(java, "--enable-native-access=ALL-UNNAMED", "-Dh2.bindAddress=127.0.0.1",
            "-XX:TieredStopAtLevel=1", "-Dlogback.configurationFile=logback-demo.xml",
            "-cp", classPath, WorkerProcess.class.getName(), database.toString(), storage.toString()));
        builder.environment().putAll(environment);
        return new WorkerProcess(builder.redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log(database).toFile())).start());
    }

    /** Returns the class path of this process, with the plugin as it is built. */
    static String classPath() {
        return System.getProperty("java.class.path");
    }

    /** Returns the file that contains the output of all workers. */
    static Path log(Path database) {
        return database.resolveSibling("workers.log");
    }

    /** Returns the settings of the engine and its workers: their database, and after what time a worker counts as lost. */
    static Map<String, Object> settings(Path database, String serverType) {
        var settings = new HashMap<>(Database.at("jdbc:h2:file:" + database.toAbsolutePath() + ";AUTO_SERVER=TRUE;LOCK_TIMEOUT=30000"));
        settings.put("kestra.server-type", serverType);
        settings.put("kestra.server.termination-grace-period", "1s");
        settings.put("kestra.server.liveness.enabled", true);
        settings.put("kestra.server.liveness.initial-delay", "1s");
        settings.put("kestra.server.liveness.interval", "1s");
        settings.put("kestra.server.liveness.heartbeat-interval", "1s");
        settings.put("kestra.server.liveness.timeout", "20s");
        settings.put("kestra.server.service.purge.initial-delay", "1h");
        settings.put("kestra.server.service.purge.fixed-delay", "1d");
        settings.put("kestra.server.service.purge.retention", "30d");
        return settings;
    }

    /** Runs in the new process. */
    public static void main(String[] args) throws IOException {
        var context = ApplicationContext.builder()
            .environments("demo")
            .properties(Map.of("demo.storage", args[1]))
            .properties(settings(Path.of(args[0]), "WORKER"))
            .start();
        System.in.read();
        var worker = context.createBean(DefaultWorker.class, UUID.randomUUID().toString(), THREADS, null);
        context.registerSingleton(worker);
        Runtime.getRuntime().addShutdownHook(new Thread(context::close));
        worker.run();
    }

    /** Lets it get tasks. */
    void go() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
    }

    /** Kills it (SIGKILL). */
    void kill() {
        process.destroyForcibly();
    }

    /** Asks it to exit (SIGTERM), as a service manager does. */
    void terminate() {
        process.destroy();
    }

    /** Pauses it (SIGSTOP), like a machine that hangs. */
    void pause() throws IOException, InterruptedException {
        signal("STOP");
    }

    boolean hasEnded() {
        return !process.isAlive();
    }

    void wakeUp() throws IOException, InterruptedException {
        signal("CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
