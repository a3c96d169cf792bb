package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntFunction;
import licenseserver.HttpCalls.Answer;
import licenseserver.Linearizability.Operation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The whole life of licenses, changed by many at once through three servers on one Redis. */
class LicenseLifeIT {
    private static final int AT_ONCE = 60;
    private static final int HISTORIES = 40;
    private static final int CLIENTS = 6;
    private static final int CALLS_EACH = 8;

    private static final List<TestServer> RUNNING = new ArrayList<>();
    private static final List<HttpCalls> SERVERS = new ArrayList<>();

    @BeforeAll
    static void start() {
        for (int i = 0; i < 3; i++) {
            RUNNING.add(TestServer.startReady(RedisForTests.url()));
            SERVERS.add(RUNNING.get(i).calls());
        }
    }

    @AfterAll
    static void stop() {
        RUNNING.forEach(TestServer::close);
    }

    private static HttpCalls any() {
        return SERVERS.get(0);
    }

    private static JsonObject byKey(String key) {
        return new JsonObject().put("key", key);
    }

    private static JsonObject byEmail(String email) {
        return new JsonObject().put("email", email);
    }

    /** The answers to calls made at once through all servers. */
    private static List<Answer> atOnce(String path, IntFunction<JsonObject> body) {
        var answers = new ArrayList<CompletableFuture<Answer>>();
        for (int i = 0; i < AT_ONCE; i++) {
            answers.add(SERVERS.get(i % SERVERS.size()).postLater(path, body.apply(i)));
        }
        return answers.stream().map(CompletableFuture::join).toList();
    }

    private static List<Integer> statuses(List<Answer> answers) {
        return answers.stream().map(Answer::status).toList();
    }

    private static List<String> happened(JsonObject license) {
        JsonObject history = any().post("/license-history", license.copy().put("limit", 1000))
                .json();
        assertThat(history.getBoolean("whole")).isTrue();
        assertThat(history.getInteger("unverified")).isZero();
        JsonArray events = history.getJsonArray("events");
        return events.stream()
                .map(event -> ((JsonObject) event).getString("what"))
                .toList();
    }

    @Nested
    class A_storm_of {
        private final String email = Concurrency.randomEmail();
        private final String key = any().register(email);

        @Test
        void disables_takes_effect_once_and_everywhere() {
            assertThat(statuses(atOnce("/disable-license", i -> byKey(key)))).containsOnly(200);

            assertThat(happened(byKey(key))).containsExactly("disabled", "registered");
            for (HttpCalls server : SERVERS) {
                assertThat(server.activate(key, "m").status()).isEqualTo(403);
            }
            assertThat(statuses(atOnce("/enable-license", i -> byKey(key)))).containsOnly(200);
            assertThat(happened(byKey(key))).containsExactly("enabled", "disabled", "registered");
            for (HttpCalls server : SERVERS) {
                assertThat(server.activate(key, "m").status()).isEqualTo(200);
            }
        }

        @Test
        void updates_loses_none() {
            assertThat(statuses(atOnce("/update-license", i -> byKey(key).put("maxMachines", 100 + i))))
                    .containsOnly(200);

            assertThat(happened(byKey(key)).stream().filter("updated"::equals)).hasSize(AT_ONCE);
            assertThat(any().license(key).getInteger("maxMachines")).isBetween(100, 100 + AT_ONCE);
        }

        @Test
        void resets_leaves_no_machine_and_no_trace_of_the_second() {
            any().activate(key, "one");
            any().activate(key, "two");

            assertThat(statuses(atOnce("/reset-machines", i -> byKey(key)))).containsOnly(200);

            assertThat(any().license(key).getJsonArray("machines")).isEmpty();
            assertThat(happened(byKey(key))).containsExactly("deactivated", "activated", "activated", "registered");
        }

        @Test
        void rotations_of_one_key_lets_one_through() {
            any().activate(key, "laptop");

            List<Answer> answers = atOnce("/rotate-key", i -> byKey(key));

            List<Answer> rotated =
                    answers.stream().filter(answer -> answer.status() == 200).toList();
            assertThat(rotated).hasSize(1);
            assertThat(statuses(answers)).containsOnly(200, 404);
            String newKey = rotated.get(0).json().getString("key");
            assertThat(any().validate(newKey, "laptop").succeeded()).isTrue();
            assertThat(any().validate(key, "laptop").succeeded()).isFalse();
            assertThat(any().post("/license-info", byEmail(email))
                            .json()
                            .getJsonObject("license")
                            .getString("key"))
                    .isEqualTo(newKey);
        }

        @Test
        void rotations_of_one_email_leaves_one_key_that_works() {
            List<Answer> answers = atOnce("/rotate-key", i -> byEmail(email));

            String last = any().post("/license-info", byEmail(email))
                    .json()
                    .getJsonObject("license")
                    .getString("key");
            var working = new ArrayList<String>();
            for (Answer answer : answers) {
                // Who was overtaken too often is asked to try again.
                assertThat(answer.status()).isIn(200, 503);
                if (answer.status() == 200
                        && any().post("/license-info", byKey(answer.json().getString("key")))
                                        .status()
                                == 200) {
                    working.add(answer.json().getString("key"));
                }
            }
            assertThat(working).isSubsetOf(last);
            assertThat(any().post("/license-info", byKey(key)).status()).isEqualTo(404);
        }

        @Test
        void deletes_and_registers_ends_with_at_most_one_license() {
            List<Answer> answers = atOnce("/delete-license", i -> i % 2 == 0 ? byKey(key) : byEmail(email));
            assertThat(statuses(answers)).containsOnly(200);
            assertThat(any().post("/license-info", byKey(key)).status()).isEqualTo(404);
            assertThat(any().post("/license-info", byEmail(email)).status()).isEqualTo(404);

            var keys = atOnce("/register-license", i -> byEmail(email)).stream()
                    .map(answer -> answer.json().getString("key"))
                    .distinct()
                    .toList();
            assertThat(keys).hasSize(1).doesNotContain(key);
        }

        @Test
        void moves_to_one_email_lets_one_through() {
            String wanted = Concurrency.randomEmail();
            var keys = new ArrayList<String>();
            for (int i = 0; i < AT_ONCE; i++) {
                keys.add(any().register(Concurrency.randomEmail()));
            }

            List<Answer> answers = atOnce(
                    "/update-license",
                    i -> byKey(keys.get(i)).put("newEmail", wanted).put("maxMachines", 9));

            assertThat(statuses(answers)).containsOnly(200, 409);
            assertThat(statuses(answers).stream().filter(status -> status == 200))
                    .hasSize(1);
            String winner = any().post("/license-info", byEmail(wanted))
                    .json()
                    .getJsonObject("license")
                    .getString("key");
            for (int i = 0; i < AT_ONCE; i++) {
                boolean won = answers.get(i).status() == 200;
                assertThat(keys.get(i).equals(winner)).isEqualTo(won);
                assertThat(any().license(keys.get(i)).getInteger("maxMachines")).isEqualTo(won ? 9 : 3);
            }
        }

        @Test
        void moves_to_an_email_that_is_taken_is_refused_whoever_looks_on() {
            String taken = Concurrency.randomEmail();
            any().register(taken);

            for (int round = 0; round < 20; round++) {
                var answers = new ArrayList<CompletableFuture<Answer>>();
                var onlookers = new ArrayList<CompletableFuture<Answer>>();
                for (int i = 0; i < 6; i++) {
                    answers.add(SERVERS.get(i % 3)
                            .postLater("/update-license", byKey(key).put("newEmail", taken)));
                    onlookers.add(SERVERS.get((i + 1) % 3).postLater("/license-info", byEmail(email)));
                    onlookers.add(SERVERS.get((i + 2) % 3).postLater("/activate", HttpCalls.machine(key, "m")));
                }
                onlookers.forEach(answer -> assertThat(answer.join().status()).isEqualTo(200));
                answers.forEach(answer -> assertThat(answer.join().status()).isEqualTo(409));
            }
            assertThat(any().license(key).getString("email")).isEqualTo(email);
        }

        @Test
        void registers_and_moves_to_one_email_gives_it_one_license() {
            for (int round = 0; round < 10; round++) {
                String wanted = Concurrency.randomEmail();
                String mover = any().register(Concurrency.randomEmail());
                CompletableFuture<Answer> move =
                        SERVERS.get(1).postLater("/update-license", byKey(mover).put("newEmail", wanted));
                CompletableFuture<Answer> register = SERVERS.get(2).postLater("/register-license", byEmail(wanted));

                boolean moved = move.join().status() == 200;
                Answer registered = register.join();

                assertThat(registered.status()).isEqualTo(200);
                String owner = any().post("/license-info", byEmail(wanted))
                        .json()
                        .getJsonObject("license")
                        .getString("key");
                assertThat(registered.json().getString("key")).isEqualTo(owner);
                assertThat(owner.equals(mover)).isEqualTo(moved);
                assertThat(registered.succeeded()).isEqualTo(!moved);
            }
        }
    }

    /** What a license is at one moment, as far as the calls below can tell. */
    private record State(String key, SortedSet<String> machines, boolean disabled, int limit) {
        State withMachines(SortedSet<String> others) {
            return new State(key, others, disabled, limit);
        }

        State with(String machine) {
            var more = new TreeSet<>(machines);
            more.add(machine);
            return withMachines(more);
        }

        State without(String machine) {
            var fewer = new TreeSet<>(machines);
            fewer.remove(machine);
            return withMachines(fewer);
        }
    }

    @Test
    void answers_as_one_license_would() throws Exception {
        for (int seed = 0; seed < HISTORIES; seed++) {
            String first = any().register(Concurrency.randomEmail());
            var keys = new CopyOnWriteArrayList<>(List.of(first));
            List<Operation<State>> history = Collections.synchronizedList(new ArrayList<>());
            ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
            try {
                var running = new ArrayList<Future<?>>();
                for (int client = 0; client < CLIENTS; client++) {
                    HttpCalls server = SERVERS.get(client % SERVERS.size());
                    var random = new Random((long) seed * CLIENTS + client);
                    running.add(clients.submit(() -> {
                        for (int i = 0; i < CALLS_EACH; i++) {
                            history.add(call(server, keys, random));
                        }
                    }));
                }
                for (Future<?> client : running) {
                    client.get(60, TimeUnit.SECONDS);
                }
            } finally {
                clients.shutdownNow();
            }
            var initial = new State(first, new TreeSet<>(), false, 3);
            assertThat(Linearizability.isLinearizable(initial, List.copyOf(history)))
                    .as("seed %s: %s", seed, history)
                    .isTrue();
        }
    }

    private static Operation<State> call(HttpCalls server, List<String> keys, Random random) {
        // Mostly the newest key, sometimes one that may be no more.
        String key = keys.get(random.nextInt(4) == 0 ? random.nextInt(keys.size()) : keys.size() - 1);
        String machine = "m" + random.nextInt(4);
        int limit = 1 + random.nextInt(3);
        long called = System.nanoTime();
        switch (random.nextInt(12)) {
            case 0 -> {
                Answer answer = server.post("/disable-license", byKey(key));
                return change("disable", key, answer, called, s -> new State(s.key, s.machines, true, s.limit));
            }
            case 1, 2 -> {
                Answer answer = server.post("/enable-license", byKey(key));
                return change("enable", key, answer, called, s -> new State(s.key, s.machines, false, s.limit));
            }
            case 3 -> {
                Answer answer = server.post("/update-license", byKey(key).put("maxMachines", limit));
                return change(
                        "limit " + limit, key, answer, called, s -> new State(s.key, s.machines, s.disabled, limit));
            }
            case 4 -> {
                Answer answer = server.post("/reset-machines", byKey(key));
                return change("reset", key, answer, called, s -> s.withMachines(new TreeSet<>()));
            }
            case 5 -> {
                Answer answer = server.post("/rotate-key", byKey(key));
                if (answer.status() == 200) {
                    keys.add(answer.json().getString("key"));
                }
                return change(
                        "rotate",
                        key,
                        answer,
                        called,
                        s -> new State(answer.json().getString("key"), s.machines, s.disabled, s.limit));
            }
            case 6, 7 -> {
                Answer answer = server.deactivate(key, machine);
                return change("deactivate " + machine, key, answer, called, s -> s.without(machine));
            }
            case 8, 9 -> {
                Answer answer = server.validate(key, machine);
                return operation("validate " + machine, key, answer, called, s -> {
                    boolean valid = s.key.equals(key) && !s.disabled && s.machines.contains(machine);
                    return answer.status() == 200 && answer.succeeded() == valid ? Optional.of(s) : Optional.empty();
                });
            }
            default -> {
                Answer answer = server.activate(key, machine);
                return operation("activate " + machine, key, answer, called, s -> activated(s, key, machine, answer));
            }
        }
    }

    private static Optional<State> activated(State state, String key, String machine, Answer answer) {
        if (!state.key.equals(key)) {
            return answer.status() == 404 ? Optional.of(state) : Optional.empty();
        }
        if (state.disabled) {
            return answer.status() == 403 && answer.body().contains("disabled") ? Optional.of(state) : Optional.empty();
        }
        boolean fits = state.machines.contains(machine) || state.machines.size() < state.limit;
        if (!fits) {
            return answer.status() == 403 && answer.body().contains("limit") ? Optional.of(state) : Optional.empty();
        }
        State after = state.with(machine);
        int remaining = Math.max(0, after.limit - after.machines.size());
        return answer.status() == 200 && answer.json().getInteger("remainingSlots") == remaining
                ? Optional.of(after)
                : Optional.empty();
    }

    /** A call that says 404 where the key is not the license's, and else 200 and does what it is for. */
    private static Operation<State> change(
            String name, String key, Answer answer, long called, Function<State, State> effect) {
        return operation(name, key, answer, called, state -> {
            boolean known = state.key.equals(key);
            if (answer.status() != (known ? 200 : 404)) {
                return Optional.empty();
            }
            return Optional.of(known ? effect.apply(state) : state);
        });
    }

    private static Operation<State> operation(
            String name, String key, Answer answer, long called, Function<State, Optional<State>> effect) {
        String shown = name + " " + key + " -> " + answer.status() + " " + answer.body();
        return new Operation<>(shown, called, System.nanoTime(), effect);
    }
}
