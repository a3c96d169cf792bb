package licenseserver.bench;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import licenseserver.JarProcess;
import licenseserver.redis.embedded.RedisExecutable;

/**
 * All benchmarks, one after the other; {@code mvn -Pbench verify} runs them. What is compared runs side by side and is driven
 * in turn, round by round, so that a machine that gets slower meanwhile does so for all. Every answer is checked; one that is
 * wrong fails the run.
 */
public final class Benchmarks {
    private static final int ROUNDS = 5;
    private static final int FEWER_ROUNDS = 3;
    private static final int CONNECTIONS = 64;
    private static final int STARTS = 5;
    private static final long MANY_CALLS = 1_000_000;
    private static final Duration LONGEST_WITHOUT_SCALING = Duration.ofSeconds(5);

    private static final String PER_SECOND = "per second";
    private static final String PER_CPU_SECOND = "per CPU-second";
    private static final Map<String, Double> PERCENTILES = percentiles();

    private static final Map<String, String> NEAR_CACHE = Map.of("NEAR_CACHE", "true");

    private static final Licenses LICENSES = new Licenses(0, 1_000, 3, 3);

    /** What idles is compiled anew when it is busy again, so it takes some rounds until all is as it stays. */
    private static final int WARM_UP_ROUNDS = 3;

    private final Duration round;
    private final boolean withWrk = Wrk.isThere();
    private final Report report = new Report();
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final Load load = new Load(vertx);
    private final Path folder;
    private final Path testClasses;

    private static Map<String, Double> percentiles() {
        var percentiles = new LinkedHashMap<String, Double>();
        percentiles.put("p50", 50.0);
        percentiles.put("p90", 90.0);
        percentiles.put("p99", 99.0);
        percentiles.put("p99.9", 99.9);
        return percentiles;
    }

    private Benchmarks(Duration round, Path folder, Path testClasses) {
        this.round = round;
        this.folder = folder;
        this.testClasses = testClasses;
    }

    /** Measures, and leaves the report in the folder {@code bench.folder}; each round takes {@code bench.seconds}. */
    public static void main(String[] arguments) throws Exception {
        Path report = Path.of(System.getProperty("bench.folder"));
        Path testClasses = Path.of(System.getProperty("bench.test-classes"));
        var round = Duration.ofSeconds(Integer.getInteger("bench.seconds", 5));
        var benchmarks = new Benchmarks(round, Files.createTempDirectory("bench-"), testClasses);
        try {
            benchmarks.run();
            benchmarks.report.save(report);
        } finally {
            DisposableRedis.delete(benchmarks.folder);
            benchmarks.vertx.close();
        }
        if (benchmarks.report.hasErrors()) {
            throw new IllegalStateException("There were wrong answers, so the figures are worth nothing.");
        }
    }

    private void run() throws Exception {
        conditions();
        try (var redis = new DisposableRedis()) {
            news(redis);
            LICENSES.load(vertx, redis.url());
            compareWithCeiling(redis);
            activations(redis);
            machines(redis);
            servers(redis);
            memory(redis);
        }
        replicas();
        growth();
        starts();
        Parts.measure(report);
    }

    private void conditions() throws IOException, InterruptedException {
        Process version = new ProcessBuilder(RedisExecutable.find(folder).toString(), "--version").start();
        report.condition("date", LocalDate.now(ZoneOffset.UTC));
        report.condition(
                "machine",
                Runtime.getRuntime().availableProcessors() + " cores (" + processor()
                        + "), shared by servers, Redis and load generator; load average before: "
                        + ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        report.condition("Java", System.getProperty("java.runtime.version") + ", " + String.join(" ", Servers.FLAGS));
        report.condition(
                "Redis",
                new String(version.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip()
                        + ", appendfsync always");
        report.condition(
                "rounds",
                round.toSeconds() + " s each, " + ROUNDS + " of a comparison, otherwise " + FEWER_ROUNDS
                        + "; the medians are shown");
        report.condition(
                "load",
                CONNECTIONS + " connections; most validations by " + (withWrk ? "wrk" : "Load.java")
                        + ", all else by Load.java");
    }

    private static String processor() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.replaceAll(".*: *", ""))
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        }
    }

    /**
     * What it costs to note that a machine was seen. In the field almost every validation is the first of its machine
     * within the hour; here each machine is stored once, and its further validations are looked up in memory.
     */
    private void news(DisposableRedis redis) {
        var none = new Licenses(4_000_000, 3_000, 3, 3);
        var all = new Licenses(5_000_000, 3_000, 3, 3);
        none.load(vertx, redis.url());
        all.load(vertx, redis.url(), Instant.now().minus(Duration.ofDays(30)));
        for (boolean cached : new boolean[] {false, true}) {
            try (var server = Servers.start(folder, redis.url(), cached ? NEAR_CACHE : Map.of())) {
                most(
                        "Validations, near cache " + (cached ? "on" : "off"),
                        List.of(
                                new Target("machines that were seen within the hour", List.of(server), none),
                                new Target("machines that were not, by their records", List.of(server), all)));
            }
        }
    }

    private void compareWithCeiling(DisposableRedis redis) {
        try (var ceiling = Servers.startCeiling(folder, testClasses);
                var cacheOff = Servers.start(folder, redis.url());
                var cacheOn = Servers.start(folder, redis.url(), NEAR_CACHE)) {
            var targets = List.of(
                    new Target("bare Vert.x handler", List.of(ceiling), LICENSES),
                    new Target("near cache off", List.of(cacheOff), LICENSES),
                    new Target("near cache on", List.of(cacheOn), LICENSES));
            most("Validations", targets);
            latency(targets);
        }
    }

    /** Drives the targets in turn as hard as can be, and compares each with the first. */
    private void most(String title, List<Target> targets) {
        report.section(title, PER_CPU_SECOND);
        for (int i = -WARM_UP_ROUNDS; i < ROUNDS; i++) {
            Target.Speed first = null;
            for (Target target : targets) {
                Target.Speed speed = validate(target);
                first = first == null ? speed : first;
                if (i < 0) {
                    continue;
                }
                report.add(target.name(), PER_SECOND, speed.perSecond());
                report.add(target.name(), "ratio", speed.perSecond() / first.perSecond());
                report.add(target.name(), PER_CPU_SECOND, speed.perCpuSecond());
                report.add(target.name(), "per CPU-second, ratio", speed.perCpuSecond() / first.perCpuSecond());
            }
        }
    }

    private Target.Speed validate(Target target) {
        int connections = CONNECTIONS / target.servers().size();
        Licenses licenses = target.licenses();
        return target.drive(
                server -> withWrk
                        ? Wrk.validate(server.port(), connections, round, licenses)
                        : load.most(server.port(), connections, round, Call.prepared(licenses::validateAny)),
                report);
    }

    /** At parts of the most that this load generator, which is not wrk, gets out of each target. */
    private void latency(List<Target> targets) {
        report.section("Latency of validations, from the time they were due", "p99 ms");
        Supplier<Call> calls = Call.prepared(LICENSES::validateAny);
        var most = new LinkedHashMap<Target, List<Double>>();
        for (int i = -WARM_UP_ROUNDS; i < FEWER_ROUNDS; i++) {
            for (Target target : targets) {
                double perSecond = load(target, calls).perSecond();
                if (i >= 0) {
                    most.computeIfAbsent(target, none -> new ArrayList<>()).add(perSecond);
                }
            }
        }
        for (int i = 0; i < FEWER_ROUNDS; i++) {
            for (int percent : List.of(50, 80)) {
                most.forEach((target, rounds) -> {
                    double perSecond = Report.median(rounds) * percent / 100;
                    String row = target.name() + ", at " + percent + " % of its most";
                    target.drive(
                            server -> {
                                // Once without counting the time: what has idled is compiled anew meanwhile.
                                report.count(load.steady(server.port(), CONNECTIONS, round, perSecond, calls));
                                Result result = load.steady(server.port(), CONNECTIONS, round, perSecond, calls);
                                addLatency(row, result);
                                return result;
                            },
                            report);
                });
            }
        }
    }

    private void addLatency(String row, Result result) {
        report.add(row, PER_SECOND, result.perSecond());
        PERCENTILES.forEach((name, percentile) ->
                report.add(row, name + " ms", result.latency().getValueAtPercentile(percentile) / 1e6));
    }

    private Target.Speed load(Target target, Supplier<Call> calls) {
        return target.drive(server -> load.most(server.port(), CONNECTIONS, round, calls), report);
    }

    /** Calls, all on one key or spread over many. */
    private record Activation(String name, Supplier<Call> oneKey, Supplier<Call> manyKeys) {}

    private void activations(DisposableRedis redis) {
        report.section("Activations", "many keys: " + PER_SECOND);
        int slots = 100;
        var oneByOne = new Licenses(1_000_000, 20_000, 0, slots);
        var inTurn = new Licenses(2_000_000, 100_000, 0, slots);
        oneByOne.load(vertx, redis.url());
        inTurn.load(vertx, redis.url());
        var filling = new AtomicInteger();
        var spread = new AtomicInteger();
        String active = Licenses.machineId(1);
        String surplus = Licenses.machineId(999_999);
        var activations = List.of(
                // One license would soon be full: when it is, the next one is.
                new Activation(
                        "new machine",
                        () -> {
                            int number = filling.getAndIncrement();
                            return Call.activate(oneByOne.key(number / slots), Licenses.machineId(1 + number % slots));
                        },
                        () -> {
                            int number = spread.getAndIncrement();
                            return Call.activate(
                                    inTurn.key(number % inTurn.count()),
                                    Licenses.machineId(1 + number / inTurn.count()));
                        }),
                new Activation(
                        "same machine again",
                        Call.prepared(() -> Call.activate(LICENSES.key(0), active)),
                        Call.prepared(() -> Call.activate(LICENSES.anyKey(), active))),
                new Activation(
                        "limit exceeded",
                        Call.prepared(() -> Call.activateInVain(LICENSES.key(0), surplus)),
                        Call.prepared(() -> Call.activateInVain(LICENSES.anyKey(), surplus))),
                new Activation(
                        "for comparison: a validation",
                        Call.prepared(() -> Call.validate(LICENSES.key(0), active)),
                        Call.prepared(LICENSES::validateAny)));
        try (var server = Servers.start(folder, redis.url())) {
            var target = new Target("activations", List.of(server), LICENSES);
            for (int i = -WARM_UP_ROUNDS; i < FEWER_ROUNDS; i++) {
                for (Activation activation : activations) {
                    Target.Speed one = load(target, activation.oneKey());
                    Target.Speed many = load(target, activation.manyKeys());
                    if (i < 0) {
                        continue;
                    }
                    report.add(activation.name(), "one key: " + PER_SECOND, one.perSecond());
                    report.add(activation.name(), "one key: " + PER_CPU_SECOND, one.perCpuSecond());
                    report.add(activation.name(), "many keys: " + PER_SECOND, many.perSecond());
                    report.add(activation.name(), "many keys: " + PER_CPU_SECOND, many.perCpuSecond());
                }
            }
        }
    }

    /** What it costs that a change is on another Redis before it is confirmed. */
    private void replicas() {
        report.section("New machines, with a replica", CONNECTIONS + " clients: " + PER_SECOND);
        var licenses = new Licenses(0, 100_000, 0, 100);
        var number = new AtomicInteger();
        Supplier<Call> activations = () -> {
            int next = number.getAndIncrement();
            return Call.activate(
                    licenses.key(next % licenses.count()), Licenses.machineId(1 + next / licenses.count()));
        };
        try (var master = new DisposableRedis()) {
            master.addReplica();
            licenses.load(vertx, master.url());
            try (var notWaiting = Servers.start(folder, master.url());
                    var waiting = Servers.start(folder, master.url(), Map.of("REDIS_REPLICAS_TO_WAIT", "1"))) {
                for (int i = -WARM_UP_ROUNDS; i < FEWER_ROUNDS; i++) {
                    replica("neither", notWaiting, activations, i >= 0);
                    master.configure("min-replicas-to-write", "1");
                    replica("min-replicas-to-write 1", notWaiting, activations, i >= 0);
                    master.configure("min-replicas-to-write", "0");
                    replica("REDIS_REPLICAS_TO_WAIT=1", waiting, activations, i >= 0);
                }
            }
        }
    }

    private void replica(String row, JarProcess server, Supplier<Call> activations, boolean isMeasured) {
        Target.Speed many = load(new Target(row, List.of(server), LICENSES), activations);
        Result one = load.most(server.port(), 1, round, activations);
        report.count(one);
        if (isMeasured) {
            report.add(row, CONNECTIONS + " clients: " + PER_SECOND, many.perSecond());
            report.add(row, "1 client: p50 ms", one.latency().getValueAtPercentile(50) / 1e6);
            report.add(row, "1 client: p99 ms", one.latency().getValueAtPercentile(99) / 1e6);
        }
    }

    private void machines(DisposableRedis redis) {
        try (var server = Servers.start(folder, redis.url())) {
            var targets = new ArrayList<Target>();
            int first = 3_000_000;
            for (int machines : List.of(3, 100, 1_000)) {
                var licenses = new Licenses(first, 1_000, machines, machines);
                licenses.load(vertx, redis.url());
                targets.add(new Target("%,d machines per license".formatted(machines), List.of(server), licenses));
                first += licenses.count();
            }
            most("Validations by machines per license", targets);
        }
    }

    private void servers(DisposableRedis redis) {
        try (var one = Servers.start(folder, redis.url());
                var other = Servers.start(folder, redis.url())) {
            var targets = List.of(
                    new Target("1 server", List.of(one), LICENSES),
                    new Target("2 servers on one Redis", List.of(one, other), LICENSES));
            most("Validations by servers", targets);
        }
    }

    /** Each number of licenses in a Redis of its own with a server of its own. */
    private void growth() {
        var running = new ArrayList<AutoCloseable>();
        var targets = new ArrayList<Target>();
        try {
            for (int count : List.of(1_000, 100_000, 1_000_000)) {
                var redis = new DisposableRedis();
                running.add(redis);
                var licenses = new Licenses(0, count, 3, 3);
                licenses.load(vertx, redis.url());
                JarProcess server = Servers.start(folder, redis.url());
                running.add(0, server);
                targets.add(new Target("%,d licenses".formatted(count), List.of(server), licenses));
            }
            most("Validations by licenses in Redis", targets);
        } finally {
            running.forEach(Benchmarks::close);
        }
    }

    private static void close(AutoCloseable running) {
        try {
            running.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void memory(DisposableRedis redis) {
        long calls = Math.min(MANY_CALLS, MANY_CALLS * round.toMillis() / LONGEST_WITHOUT_SCALING.toMillis());
        String column = "after %,d validations, MB".formatted(calls);
        report.section("Resident memory", column);
        for (boolean nearCache : List.of(false, true)) {
            try (var server = Servers.start(folder, redis.url(), nearCache ? NEAR_CACHE : Map.of())) {
                String row = "near cache " + (nearCache ? "on" : "off");
                report.add(row, "at rest, MB", Servers.residentMegabytes(server));
                report.count(load.count(server.port(), CONNECTIONS, calls, Call.prepared(LICENSES::validateAny)));
                report.add(row, column, Servers.residentMegabytes(server));
            }
        }
    }

    private void starts() throws IOException {
        report.section("Start to the first ready answer", "ms");
        for (int i = 0; i < STARTS; i++) {
            Path empty = Files.createDirectory(folder.resolve("start-" + i));
            long start = System.nanoTime();
            try (var server = Servers.startEmbedded(empty)) {
                report.add("with the embedded Redis", "ms", (System.nanoTime() - start) / 1e6);
                report.add("with the embedded Redis", "resident, MB", Servers.residentMegabytes(server));
            }
        }
    }
}
