package licenseserver;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import licenseserver.HttpCalls.Answer;

/**
 * Clients that activate, validate and deactivate without pause while a test does something to Redis, and that remember what they
 * were told. Each client has one machine on every license, and is the only one to speak for it; as there are more clients than a
 * license allows machines, they compete for its slots.
 */
final class FaultLoad {
    private static final int LICENSES = 15;
    private static final int CLIENTS = 6;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    /**
     * What came of it.
     *
     * @param acknowledged how many changes were confirmed
     * @param lost how many of them are not there any more
     * @param wrongAnswers answers that contradict what was confirmed and is still there
     * @param overLimit licenses with more machines than they allow
     * @param refused how many calls were answered 503
     * @param longestOutage the longest time for which one license could not be changed
     */
    record Outcome(
            int acknowledged,
            int lost,
            List<String> wrongAnswers,
            List<String> overLimit,
            int refused,
            Duration longestOutage) {
        /** A row of the table in docs/redis.md. */
        String row(String topology, String fault, String setting) {
            return String.format(
                    "| %s | %s | %s | %,d | %d | %.1f s |",
                    topology, fault, setting, acknowledged, lost, longestOutage.toMillis() / 1000.0);
        }
    }

    private final HttpCalls server;
    private final List<String> keys = new ArrayList<>();
    private final List<Client> clients = new ArrayList<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    private final List<Future<?>> running = new ArrayList<>();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLongArray lastSuccess = new AtomicLongArray(LICENSES);
    private final AtomicLong longestOutage = new AtomicLong();
    private volatile boolean stopping;

    private FaultLoad(HttpCalls server) {
        this.server = server;
    }

    static FaultLoad start(HttpCalls server) {
        var load = new FaultLoad(server);
        for (int i = 0; i < LICENSES; i++) {
            load.keys.add(server.register(Concurrency.randomEmail()));
            load.lastSuccess.set(i, System.nanoTime());
        }
        for (int i = 0; i < CLIENTS; i++) {
            Client client = load.new Client("machine-" + i, new Random(i));
            load.clients.add(client);
            load.running.add(load.threads.submit(client));
        }
        load.goOn();
        return load;
    }

    List<String> keys() {
        return keys;
    }

    /** Returns when each license was changed again since. */
    void goOn() {
        long now = System.nanoTime();
        Wait.until("every license was changed", () -> {
            for (int i = 0; i < LICENSES; i++) {
                if (lastSuccess.get(i) < now) {
                    return false;
                }
            }
            return true;
        });
        long some = acknowledged.get() + 300;
        Wait.until("changes were made", () -> acknowledged.get() >= some);
    }

    /** Ends the load and compares what was confirmed with what is there. */
    Outcome stop() {
        stopping = true;
        try {
            for (Future<?> client : running) {
                client.get(30, TimeUnit.SECONDS);
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
        int lost = 0;
        int refused = 0;
        var wrongAnswers = new ArrayList<String>();
        var overLimit = new ArrayList<String>();
        for (String key : keys) {
            Set<String> machines = machines(server.license(key));
            if (machines.size() > Concurrency.LIMIT) {
                overLimit.add(machines.toString());
            }
            for (Client client : clients) {
                boolean isActive = machines.contains(client.machine);
                if (server.validate(key, client.machine).succeeded() != isActive) {
                    wrongAnswers.add("validate and license-info differ at the end");
                }
                Boolean told = client.told.get(key);
                String contradiction = client.contradictions.get(key);
                if (told != null && told != isActive) {
                    lost++;
                } else if (contradiction != null) {
                    wrongAnswers.add(contradiction);
                }
            }
        }
        for (Client client : clients) {
            refused += client.refused;
            wrongAnswers.addAll(client.impossible);
        }
        return new Outcome(
                (int) acknowledged.get(),
                lost,
                wrongAnswers,
                overLimit,
                refused,
                Duration.ofNanos(longestOutage.get()));
    }

    private static Set<String> machines(JsonObject license) {
        return license.getJsonArray("machines").stream()
                .map(machine -> ((JsonObject) machine).getString("machineId"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private final class Client implements Runnable {
        private final String machine;
        private final Random random;

        /** Whether the machine was last told to be active; without entry where that is not known. */
        private final Map<String, Boolean> told = new HashMap<>();

        /** Licenses that answered otherwise. They are left alone, so that it shows at the end which of the two was right. */
        private final Map<String, String> contradictions = new HashMap<>();

        private final List<String> impossible = new ArrayList<>();
        private int refused;

        Client(String machine, Random random) {
            this.machine = machine;
            this.random = random;
        }

        @Override
        public void run() {
            while (!stopping) {
                int license = random.nextInt(LICENSES);
                if (!contradictions.containsKey(keys.get(license))) {
                    call(license, keys.get(license));
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }

        private void call(int license, String key) {
            switch (random.nextInt(4)) {
                case 0, 1 -> activate(license, key);
                case 2 -> deactivate(license, key);
                default -> validate(key);
            }
        }

        private void activate(int license, String key) {
            Answer answer = ask("/activate", key);
            if (answer.status() == 200) {
                confirmed(license, key, true);
            } else if (answer.status() == 403 && Boolean.TRUE.equals(told.get(key))) {
                contradictions.put(key, "an active machine found no slot");
            } else if (answer.status() == 403) {
                told.put(key, false);
            } else {
                unanswered(key, answer);
            }
        }

        private void deactivate(int license, String key) {
            Answer answer = ask("/deactivate", key);
            if (answer.status() == 200) {
                confirmed(license, key, false);
            } else {
                unanswered(key, answer);
            }
        }

        private void validate(String key) {
            Answer answer = ask("/validate", key);
            if (answer.status() == 200) {
                Boolean expected = told.putIfAbsent(key, answer.succeeded());
                if (expected != null && expected != answer.succeeded()) {
                    contradictions.put(key, "validate said " + answer.succeeded() + " for what was " + expected);
                }
            } else if (answer.status() == 503) {
                refused++;
            } else {
                impossible.add("/validate " + answer);
            }
        }

        private void confirmed(int license, String key, boolean isActive) {
            Boolean before = told.put(key, isActive);
            if (before == null || before != isActive) {
                acknowledged.incrementAndGet();
            }
            long now = System.nanoTime();
            long outage = now - lastSuccess.getAndSet(license, now);
            longestOutage.accumulateAndGet(outage, Math::max);
        }

        private void unanswered(String key, Answer answer) {
            told.remove(key);
            refused++;
            if (answer.status() != 503) {
                impossible.add(answer.toString());
            }
        }

        private Answer ask(String path, String key) {
            return server.post(path, HttpCalls.machine(key, machine));
        }
    }
}
