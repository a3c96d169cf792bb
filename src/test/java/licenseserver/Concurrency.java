package licenseserver;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import licenseserver.HttpCalls.Answer;
import licenseserver.Linearizability.Operation;

/** What many clients do at once through several servers, and what must hold of it. The servers' limit is 3 machines. */
final class Concurrency {
    static final int LIMIT = 3;

    private static final int STORM_MACHINES = 60;
    private static final int CLIENTS = 6;
    private static final int CALLS_EACH = 8;
    private static final int MACHINES = 5;

    private Concurrency() {}

    static String randomEmail() {
        return UUID.randomUUID() + "@example.com";
    }

    /** 60 machines race for the slots of one license; says what is wrong with the outcome, nothing where all is right. */
    static Optional<String> activationStorm(List<HttpCalls> servers) {
        String key = servers.get(0).register(randomEmail());
        var answers = new ArrayList<CompletableFuture<Answer>>();
        for (int i = 0; i < STORM_MACHINES; i++) {
            answers.add(servers.get(i % servers.size()).postLater("/activate", HttpCalls.machine(key, "machine-" + i)));
        }
        var toldYes = new HashSet<String>();
        for (int i = 0; i < STORM_MACHINES; i++) {
            Answer answer = answers.get(i).join();
            if (answer.status() == 200) {
                toldYes.add("machine-" + i);
            } else if (answer.status() != 403) {
                return Optional.of("answered " + answer);
            }
        }
        var stored = new HashSet<String>();
        JsonArray machines = servers.get(0).license(key).getJsonArray("machines");
        machines.forEach(machine -> stored.add(((JsonObject) machine).getString("machineId")));
        return toldYes.size() == LIMIT && machines.size() == LIMIT && stored.equals(toldYes)
                ? Optional.empty()
                : Optional.of("told yes: " + toldYes + ", stored: " + machines);
    }

    /** Many register one e-mail at once; says what is wrong with the outcome, nothing where all is right. */
    static Optional<String> registerStorm(List<HttpCalls> servers) {
        var body = new JsonObject().put("email", randomEmail());
        var answers = new ArrayList<CompletableFuture<Answer>>();
        for (int i = 0; i < STORM_MACHINES; i++) {
            answers.add(servers.get(i % servers.size()).postLater("/register-license", body));
        }
        var keys = new HashSet<String>();
        int created = 0;
        for (CompletableFuture<Answer> later : answers) {
            Answer answer = later.join();
            if (answer.status() != 200) {
                return Optional.of("answered " + answer);
            }
            keys.add(answer.json().getString("key"));
            created += answer.succeeded() ? 1 : 0;
        }
        Answer info = servers.get(0).post("/license-info", body);
        return created == 1
                        && keys.size() == 1
                        && info.status() == 200
                        && keys.contains(info.json().getJsonObject("license").getString("key"))
                ? Optional.empty()
                : Optional.of(created + " created, keys " + keys + ", then " + info);
    }

    /** Six clients call at random on one license; whether what they were told fits one license that they took turns on. */
    static Optional<String> randomHistory(List<HttpCalls> servers, long seed) throws Exception {
        return randomHistory(servers, seed, Duration.ZERO);
    }

    /** The same where a "yes" to validate may be late by so much: it may have been true before it was asked for. */
    static Optional<String> randomHistory(List<HttpCalls> servers, long seed, Duration lateness) throws Exception {
        String key = servers.get(0).register(randomEmail());
        List<Operation<Set<String>>> history = Collections.synchronizedList(new ArrayList<>());
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            var running = new ArrayList<Future<?>>();
            for (int client = 0; client < CLIENTS; client++) {
                HttpCalls server = servers.get(client % servers.size());
                var random = new Random(seed * CLIENTS + client);
                running.add(clients.submit(() -> {
                    for (int i = 0; i < CALLS_EACH; i++) {
                        history.add(call(server, key, "m" + random.nextInt(MACHINES), random.nextInt(10), lateness));
                    }
                }));
            }
            for (Future<?> client : running) {
                client.get(60, TimeUnit.SECONDS);
            }
        } finally {
            clients.shutdownNow();
        }
        return Linearizability.isLinearizable(Set.of(), List.copyOf(history))
                ? Optional.empty()
                : Optional.of("seed " + seed + ", not linearizable: " + history);
    }

    private static Operation<Set<String>> call(
            HttpCalls server, String key, String machine, int dice, Duration lateness) {
        long called = System.nanoTime();
        if (dice < 5) {
            Answer answer = server.activate(key, machine);
            return operation("activate " + machine, answer, called, machines -> {
                boolean fits = machines.contains(machine) || machines.size() < LIMIT;
                Set<String> after = fits ? with(machines, machine) : machines;
                boolean told = fits
                        ? answer.status() == 200 && answer.json().getInteger("remainingSlots") == LIMIT - after.size()
                        : answer.status() == 403;
                return told ? Optional.of(after) : Optional.empty();
            });
        }
        if (dice < 8) {
            Answer answer = server.deactivate(key, machine);
            return operation("deactivate " + machine, answer, called, machines -> {
                var after = new TreeSet<>(machines);
                after.remove(machine);
                return answer.status() == 200 ? Optional.of(after) : Optional.empty();
            });
        }
        Answer answer = server.validate(key, machine);
        return operation(
                "validate " + machine,
                answer,
                answer.succeeded() ? called - lateness.toNanos() : called,
                machines ->
                        answer.succeeded() == machines.contains(machine) ? Optional.of(machines) : Optional.empty());
    }

    private static Operation<Set<String>> operation(
            String name, Answer answer, long called, Function<Set<String>, Optional<Set<String>>> effect) {
        return new Operation<>(name + " -> " + answer.body(), called, System.nanoTime(), effect);
    }

    private static Set<String> with(Set<String> machines, String machine) {
        var more = new TreeSet<>(machines);
        more.add(machine);
        return more;
    }
}
