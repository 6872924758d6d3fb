package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.State;
import io.kestra.plugin.azure.demo.Engine;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** An engine without a worker of its own, and a worker process that can be killed at each of its requests. */
final class WorkerLab implements AutoCloseable {
    private static final String FLOW = "worker_dies.yaml";
    private static final List<String> LINES = IntStream.rangeClosed(1, 3).boxed().flatMap(n -> Stream.of("out " + n, "err " + n)).toList();
    private static final String REMOVED = "Removed the job";
    private static final Duration LOG_LIMIT = Duration.ofSeconds(20);

    final Flows flows;
    private final Emulator emulator = new Emulator();
    private final Path storage;
    private final Path database;
    private final Watch watch = new Watch();
    private final Supplier<String> classPaths;
    private final Front batch;
    private final Front blob;
    private WorkerProcess worker;
    private WorkerProcess previous;
    private Execution last;
    /** Already booted, because a boot takes longer than a run. */
    private WorkerProcess spare;

    /** A way to stop a worker. */
    interface End {
        void of(WorkerProcess worker) throws Exception;
    }

    /** The result of a run, and whether its worker was stopped. */
    record Cell(boolean ended, boolean resumed, long jobs, State.Type state, Object answer, String file, List<String> lost, List<String> twice,
        List<String> leaked, List<String> left) {
        boolean hasRightResult() {
            return state == State.Type.SUCCESS && Integer.valueOf(42).equals(answer) && "one\ntwo\n".equals(file);
        }

        boolean isRight() {
            return hasRightResult() && jobs == 1 && lost.isEmpty() && leaked.isEmpty();
        }
    }

    /** Counts the requests of a run, and stops the worker after a given one. */
    private final class Watch {
        private final Map<String, Integer> counts = new LinkedHashMap<>();
        /** As they were sent: those before the worker was stopped, and those after that. */
        private final List<String> before = new ArrayList<>();
        private final List<String> after = new ArrayList<>();
        private String step;
        private boolean struck;
        private End end;

        synchronized void arm(String step, End end) {
            this.step = step;
            this.end = end;
            struck = false;
            counts.clear();
            before.clear();
            after.clear();
        }

        synchronized void answered(String request) {
            var name = named(request);
            var count = counts.merge(name, 1, Integer::sum);
            (struck ? after : before).add(request);
            if (!struck && step(name, count).equals(step)) {
                struck = true;
                try {
                    end.of(worker);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        synchronized List<String> before() {
            return List.copyOf(before);
        }

        synchronized List<String> after() {
            return List.copyOf(after);
        }

        synchronized boolean hasStruck() {
            return struck;
        }

        /** Returns every request so far; a repeated one is listed twice, whatever its count. */
        synchronized List<String> steps() {
            return counts.entrySet().stream()
                .flatMap(each -> IntStream.rangeClosed(1, Math.min(each.getValue(), 2)).mapToObj(count -> step(each.getKey(), count)))
                .toList();
        }
    }

    WorkerLab() throws Exception {
        this(WorkerProcess::classPath);
    }

    /** @param classPaths is asked for the class path of each worker in turn */
    WorkerLab(Supplier<String> classPaths) throws Exception {
        this.classPaths = classPaths;
        storage = Files.createTempDirectory(Path.of("build"), "flow-storage-").toAbsolutePath();
        database = storage.resolveSibling(storage.getFileName() + "-db").resolve("kestra");
        Files.createDirectories(database.getParent());
        flows = new Flows(Engine.startWithoutWorker(storage, WorkerProcess.settings(database, "EXECUTOR")));
        batch = new Front(URI.create(System.getenv("AZURE_BATCH_ENDPOINT")), watch::answered);
        blob = new Front(URI.create(System.getenv("AZURE_STORAGE_ENDPOINT")), watch::answered);
        spare = bootWorker();
        nextWorker();
    }

    /** Runs the flow, stops its worker after a request and starts another worker. */
    Cell run(String step, End end) throws Exception {
        var jobsBefore = jobs();
        var there = emulator.jobs();
        watch.arm(step, end);
        replaceLost();
        previous = worker;
        var execution = flows.start(FLOW, Map.of());
        Poll.until(Flows.LIMIT, () -> watch.hasStruck() || hasEnded(execution));
        if (watch.hasStruck()) {
            nextWorker();
        }
        var ended = flows.engine.awaitEnd(execution, Flows.LIMIT);
        last = ended;
        Poll.until(LOG_LIMIT, () -> there.containsAll(emulator.jobs()));
        var left = emulator.jobs().stream().filter(job -> !there.contains(job)).toList();
        return cell(ended, jobs() - jobsBefore, left);
    }

    /** Runs the flow without stopping its worker and returns all requests. */
    List<String> steps() throws Exception {
        assertThat(run("none", WorkerProcess::kill).isRight()).as("an undisturbed run").isTrue();
        return watch.steps();
    }

    /** Returns the requests of the last run before its worker was stopped, as they were sent. */
    List<String> requestsBefore() {
        return watch.before();
    }

    /** Returns the requests of the last run after its worker was stopped, as they were sent. */
    List<String> requestsAfter() {
        return watch.after();
    }

    /** Resumes the worker that was paused in the last run, and returns the state of that run when this worker has stopped working on it. */
    State.Type stateAfterWakingUp() throws Exception {
        previous.wakeUp();
        var noticed = Poll.until(Flows.LIMIT, () -> previous.hasEnded() || holds(last, "was deleted while it was followed") || count(last, REMOVED) > 1);
        assertThat(noticed).as("the first worker has stopped working on the run").isTrue();
        return flows.engine.awaitEnd(last, Flows.LIMIT).getState().getCurrent();
    }

    private Cell cell(Execution execution, long jobs, List<String> left) throws Exception {
        Poll.until(LOG_LIMIT, () -> lost(execution).isEmpty());
        var outputs = execution.getTaskRunList().getFirst().getOutputs();
        var resumed = holds(execution, "Going on with job");
        var twice = LINES.stream().filter(line -> flows.messages(execution).stream().filter(line::equals).count() > 1).toList();
        return new Cell(watch.hasStruck(), resumed, jobs, execution.getState().getCurrent(), answer(outputs), file(outputs), lost(execution), twice, leaked(execution), left);
    }

    private static Object answer(Map<String, Object> outputs) {
        return outputs == null || !(outputs.get("vars") instanceof Map<?, ?> vars) ? null : vars.get("answer");
    }

    private String file(Map<String, Object> outputs) throws IOException {
        return outputs == null || !(outputs.get("outputFiles") instanceof Map<?, ?> files) || files.isEmpty() ? null
            : flows.engine.read("company.team", files.get("both.txt").toString());
    }

    private List<String> lost(Execution execution) {
        var logged = flows.messages(execution);
        return LINES.stream().filter(line -> !logged.contains(line)).toList();
    }

    /** Returns the lines of the flow or of a worker that contain a secret. */
    private List<String> leaked(Execution execution) throws IOException {
        var workers = Files.readAllLines(WorkerProcess.log(database));
        return Secrets.found(Stream.concat(workers.stream(), flows.messages(execution).stream()).toList());
    }

    private boolean holds(Execution execution, String text) {
        return count(execution, text) > 0;
    }

    private long count(Execution execution, String text) {
        return flows.messages(execution).stream().filter(line -> line.contains(text)).count();
    }

    private boolean hasEnded(Execution execution) {
        return holds(execution, REMOVED);
    }

    /** Returns how many jobs have got their task. A job without one is removed by the next worker. */
    private long jobs() throws IOException {
        return emulator.requests().stream()
            .filter(request -> request.method().equals("POST") && request.path().endsWith("/tasks") && request.status() == 201)
            .count();
    }

    private void nextWorker() throws IOException {
        worker = spare;
        worker.go();
        spare = bootWorker();
    }

    /** A worker whose heartbeats come too late, on a busy machine, counts as lost and exits. */
    private void replaceLost() throws IOException {
        if (worker.hasEnded()) {
            nextWorker();
        }
    }

    private WorkerProcess bootWorker() throws IOException {
        return WorkerProcess.boot(classPaths.get(), database, storage, environment());
    }

    /** Returns variables with which a worker reaches both services through their proxies. */
    private Map<String, String> environment() {
        var environment = new HashMap<String, String>();
        environment.put("SECRET_ENDPOINT", encoded(batch.address()));
        environment.put("SECRET_CONNECTIONSTRING", encoded(System.getenv("AZURE_STORAGE_CONNECTION_STRING").replace(System.getenv("AZURE_STORAGE_ENDPOINT"), blob.address())));
        return environment;
    }

    private static String encoded(String value) {
        return Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the name of the {@code count}-th request of a kind. */
    private static String step(String name, int count) {
        return count == 1 ? name : name + " #" + count;
    }

    /** Returns a request without the parts that are different in every run. */
    private static String named(String request) {
        var words = request.split(" ");
        var path = words[1].replaceFirst("\\?.*?(comp=[a-z]+).*", "?$1").replaceFirst("\\?(?!comp).*", "")
            .replaceFirst("^/[^/]*/my-container", "container").replaceFirst("/kestra-[0-9a-f]{20}-[0-9a-f]{12}", "/PREFIX")
            .replaceAll("companyteam-[a-z0-9-]+", "JOB");
        return words[0] + " " + path;
    }

    @Override
    public void close() throws Exception {
        previous.close();
        worker.close();
        spare.close();
        flows.close();
        batch.close();
        blob.close();
    }
}
