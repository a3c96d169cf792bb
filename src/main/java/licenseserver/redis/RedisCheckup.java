package licenseserver.redis;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Examines everything in Redis that decides whether the server works and keeps what it confirms. It says in plain
 * sentences what it finds, and what to do if something is wrong. It changes nothing in Redis.
 */
public final class RedisCheckup {
    /** How much a finding matters. */
    public enum Weight {
        /** Good to know; nothing is wrong. */
        FACT,
        /** Nothing is wrong if the operator intended it. */
        NOTICE,
        /** The server works, but a fault can lose data or cause a wrong answer. */
        WARNING,
        /** The server, or a part of it, does not work. */
        ERROR
    }

    /**
     * Something that the operator should know about Redis.
     *
     * @param weight how much it matters
     * @param sentence what was found, and what to do; holds no value of a key and no secret
     */
    public record Finding(Weight weight, String sentence) {}

    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration TOLERATED_SKEW = Duration.ofSeconds(1);

    /** How many keys Redis looks at in one step, during which it does nothing else for about 0.2 ms. */
    private static final int SCANNED_AT_ONCE = 1000;

    private static final Duration PAUSE_BETWEEN_SCANS = Duration.ofMillis(5);

    /** How long somebody who waits for a count does so; enough for a million keys. */
    private static final Duration COUNT_PATIENCE = Duration.ofSeconds(30);

    private final RedisPool redis;
    private final RedisSettings settings;
    private final List<RedisContent> contents;
    private final InstantSource clock;

    RedisCheckup(RedisPool redis, RedisSettings settings, List<RedisContent> contents, InstantSource clock) {
        this.redis = redis;
        this.settings = settings;
        this.contents = contents;
        this.clock = clock;
    }

    /**
     * Examines the Redis of these settings: its masters, then the rights of the user, then what is in it.
     *
     * @param contents what the capabilities keep there
     * @return never fails: if Redis does not answer, that is a finding
     */
    public static Future<List<Finding>> of(Vertx vertx, RedisSettings settings, List<RedisContent> contents) {
        RedisTopology topology = RedisTopology.of(vertx, settings);
        var redis = new RedisPool(vertx, settings, topology, PATIENCE, 1);
        var checkup = new RedisCheckup(redis, settings, contents, InstantSource.system());
        return Deadline.in(PATIENCE)
                .bound(topology.masters())
                .compose(masters -> flat(List.of(
                        flat(masters.stream()
                                .map(master -> checkup.of(master)
                                        .otherwise(failure -> List.of(unreachable(settings, failure))))
                                .toList()),
                        checkup.missingRights().map(Rights::findings),
                        checkup.findings(keys -> Deadline.in(COUNT_PATIENCE).bound(checkup.count(masters, keys))))))
                .otherwise(failure -> List.of(unreachable(settings, failure)))
                .eventually(redis::close)
                .onComplete(done -> topology.close());
    }

    private static Finding unreachable(RedisSettings settings, Throwable failure) {
        String what = switch (settings.kind()) {
            case STANDALONE -> "Redis at " + settings.nodes().get(0);
            case SENTINEL -> "A master of Redis by the sentinels at " + settings.nodes();
            case CLUSTER -> "The Redis Cluster at " + settings.nodes();
        };
        return new Finding(
                Weight.ERROR,
                what + " cannot be used: " + ClientFailures.reason(failure)
                        + ". Look whether it runs, and whether address, TLS, user and password are right.");
    }

    private static <T> Future<List<T>> join(List<Future<T>> futures) {
        return Future.all(futures).map(all -> all.<T>list());
    }

    private static Future<List<Finding>> flat(List<Future<List<Finding>>> futures) {
        return join(futures).map(lists -> lists.stream().flatMap(List::stream).toList());
    }

    /** Examines one master. Fails with {@link StoreUnavailableException} if it does not answer. */
    Future<List<Finding>> of(RedisNode master) {
        return flat(List.of(
                        ask(master, command(Command.INFO)).map(reply -> byInfo(master, fields(reply.toString()))),
                        setting(master, "appendfsync").map(value -> byAppendfsync(master, value)),
                        ask(master, command(Command.TIME)).map(reply -> byTime(master, reply))))
                .recover(failure -> ClientFailures.isRightMissing(failure)
                        ? Future.succeededFuture(List.of(new Finding(
                                Weight.FACT,
                                master
                                        + " does not tell this user how it is set up (that needs +info +time +config|get): see"
                                        + " to it that appendonly is yes, appendfsync always and maxmemory-policy"
                                        + " noeviction.")))
                        : Future.failedFuture(failure));
    }

    private Future<Response> ask(RedisNode master, Request request) {
        return redis.askAt(master, Deadline.in(PATIENCE), request).map(replies -> replies.get(0));
    }

    private Future<String> setting(RedisNode master, String name) {
        return ask(master, command(Command.CONFIG, "GET", name)).map(reply -> {
            Response value = reply.get(name);
            return value == null ? "" : value.toString();
        });
    }

    private static Map<String, String> fields(String info) {
        var fields = new HashMap<String, String>();
        info.lines().filter(line -> line.contains(":")).forEach(line -> {
            int colon = line.indexOf(':');
            fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
        });
        return fields;
    }

    private List<Finding> byInfo(RedisNode master, Map<String, String> info) {
        return byInfo(master.toString(), settings.kind(), settings.replicasToWait(), info);
    }

    /** What the answer to INFO shows. */
    static List<Finding> byInfo(String master, RedisSettings.Kind kind, int replicasToWait, Map<String, String> info) {
        var findings = new ArrayList<Finding>();
        String version = info.containsKey("valkey_version")
                ? "Valkey " + info.get("valkey_version")
                : "Redis " + info.get("redis_version");
        String mode = info.getOrDefault("redis_mode", "standalone");
        int replicas = number(info, "connected_slaves");
        boolean keepsFile = "1".equals(info.get("aof_enabled"));
        String policy = info.getOrDefault("maxmemory_policy", "");
        findings.add(new Finding(
                Weight.FACT,
                "%s: %s, %s, %s; %s; %s in memory; %d replicas."
                        .formatted(
                                master,
                                version,
                                mode,
                                info.get("role"),
                                keepsFile ? "append-only file" : "no append-only file",
                                info.get("used_memory_human"),
                                replicas)));
        RedisRelease.endOfSupport(version)
                .ifPresent(ended -> findings.add(new Finding(Weight.NOTICE, master + ": " + ended + ".")));
        if (mode.equals("cluster") && kind != RedisSettings.Kind.CLUSTER) {
            findings.add(error(master, "is part of a cluster", "Set REDIS_TOPOLOGY=cluster"));
        }
        if (mode.equals("sentinel")) {
            findings.add(error(master, "is a sentinel", "Set REDIS_TOPOLOGY=sentinel and REDIS_SENTINEL_MASTER"));
        } else if (!"master".equals(info.get("role"))) {
            findings.add(error(
                    master,
                    "is a replica, which can write nothing",
                    "Give the address of the master, or of its sentinels with REDIS_TOPOLOGY=sentinel"));
        }
        if (!keepsFile && !mode.equals("sentinel")) {
            findings.add(warning(
                    master,
                    "keeps no append-only file: what changed since its last snapshot is lost when it stops",
                    "Set appendonly yes"));
        }
        if (keepsFile && !info.getOrDefault("aof_last_write_status", "ok").equals("ok")) {
            findings.add(error(master, "cannot write its append-only file", "Look whether its disk is full"));
        }
        if (!policy.isEmpty() && !policy.equals("noeviction")) {
            findings.add(warning(
                    master,
                    "deletes data when its memory is full (maxmemory-policy " + policy + ")",
                    "Set maxmemory-policy noeviction"));
        }
        long maxMemory = Long.parseLong(info.getOrDefault("maxmemory", "0"));
        if (maxMemory > 0 && Long.parseLong(info.getOrDefault("used_memory", "0")) > maxMemory / 10 * 9) {
            findings.add(
                    warning(master, "has used nine tenths of its memory; full, it writes nothing", "Raise maxmemory"));
        }
        if (replicas < replicasToWait) {
            findings.add(error(
                    master,
                    "has " + replicas + " replicas, and " + replicasToWait
                            + " must have a change before it is confirmed, so none is",
                    "Start replicas, or lower REDIS_REPLICAS_TO_WAIT"));
        } else if (kind != RedisSettings.Kind.STANDALONE && replicas == 0) {
            findings.add(warning(master, "has no replica: when it fails nothing takes its place", "Start one"));
        } else if (kind != RedisSettings.Kind.STANDALONE && replicasToWait == 0) {
            findings.add(warning(
                    master,
                    "has changes confirmed before a replica has them: a failover can lose the last ones",
                    "Set REDIS_REPLICAS_TO_WAIT=1"));
        }
        return findings;
    }

    private static int number(Map<String, String> info, String field) {
        return Integer.parseInt(info.getOrDefault(field, "0"));
    }

    static List<Finding> byAppendfsync(RedisNode master, String appendfsync) {
        return appendfsync.isEmpty() || appendfsync.equals("always")
                ? List.of()
                : List.of(warning(
                        master.toString(),
                        "does not write to disk before it answers (appendfsync " + appendfsync
                                + "): the last second of changes can be lost when its machine fails",
                        "Set appendfsync always"));
    }

    private List<Finding> byTime(RedisNode master, Response time) {
        var there =
                Duration.ofSeconds(time.get(0).toLong()).plusNanos(time.get(1).toLong() * 1000);
        return bySkew(master, there.minus(Duration.ofMillis(clock.millis())));
    }

    /** What it means that the clock of a master is ahead of the one here by this much. */
    static List<Finding> bySkew(RedisNode master, Duration ahead) {
        return ahead.abs().compareTo(TOLERATED_SKEW) <= 0
                ? List.of()
                : List.of(warning(
                        master.toString(),
                        "has a clock that is " + ahead.abs().toSeconds() + " s "
                                + (ahead.isNegative() ? "behind" : "ahead of")
                                + " this machine's; servers whose clocks differ do not agree on what has expired",
                        "Let all of them follow NTP"));
    }

    private static Finding warning(String master, String wrong, String cure) {
        return new Finding(Weight.WARNING, master + " " + wrong + ". " + cure + ".");
    }

    private static Finding error(String master, String wrong, String cure) {
        return new Finding(Weight.ERROR, master + " " + wrong + ". " + cure + ".");
    }

    /**
     * The rights that the user of Redis lacks.
     *
     * @param missing the rights, as the operator reads them
     * @param isComplete whether all rights could be checked
     */
    record Rights(List<String> missing, boolean isComplete) {
        /** What the operator should know; empty if nothing is missing. */
        List<Finding> findings() {
            if (!missing.isEmpty()) {
                return List.of(new Finding(
                        Weight.ERROR,
                        "The user of Redis may not do all that the server needs: " + String.join(", ", missing)
                                + ". Grant it what docs/redis.md lists."));
            }
            return isComplete
                    ? List.of()
                    : List.of(new Finding(
                            Weight.WARNING, "Redis did not answer whether its user has all the rights that it needs."));
        }
    }

    /**
     * Finds the rights that the user lacks. Between MULTI and DISCARD, Redis checks the rights to a command but does
     * not carry it out.
     */
    Future<Rights> missingRights() {
        var missing = new ArrayList<String>();
        Future<Boolean> asked = Future.succeededFuture();
        for (RedisRight right : rights()) {
            asked = asked.compose(next -> isRefused(right)).onSuccess(refused -> {
                if (refused) {
                    missing.add(right.toString());
                }
            });
        }
        return asked.map(all -> true).otherwise(false).map(isComplete -> new Rights(List.copyOf(missing), isComplete));
    }

    private Future<Boolean> isRefused(RedisRight right) {
        return redis.read(
                        right.exampleKey(),
                        Deadline.in(PATIENCE),
                        command(Command.MULTI),
                        right.example(),
                        command(Command.DISCARD))
                .map(allowed -> false)
                .recover(failure -> ClientFailures.isRightMissing(failure)
                        ? Future.succeededFuture(true)
                        : Future.failedFuture(failure));
    }

    private List<RedisRight> rights() {
        String identity = redis.identityKey();
        var rights = new ArrayList<>(List.of(RedisRight.of(identity, "GET"), RedisRight.of(identity, "SET", "")));
        contents.forEach(content -> rights.addAll(content.rights()));
        if (redis.waitsForReplicas()) {
            rights.add(RedisRight.withoutKey(identity, "WAIT", "0", "1"));
        }
        return rights;
    }

    /** What the capabilities say of what they keep in Redis. Never fails. */
    Future<List<Finding>> findings(RedisContent.Counter counter) {
        RedisContent.Counter explaining = keys -> counter.count(keys)
                .recover(failure -> Future.failedFuture(new StoreUnavailableException(
                        ClientFailures.isRightMissing(failure) ? "that needs +scan" : ClientFailures.reason(failure))));
        return flat(
                contents.stream().map(content -> content.findings(explaining)).toList());
    }

    /** How many keys of all these masters match a pattern, counted with pauses, so that calls do not wait for it. */
    Future<Long> count(Collection<RedisNode> masters, String pattern) {
        return join(masters.stream()
                        .map(master -> count(master, pattern, "0", 0))
                        .toList())
                .map(counts -> counts.stream().mapToLong(Long::longValue).sum());
    }

    private Future<Long> count(RedisNode master, String pattern, String cursor, long before) {
        Request scan = command(Command.SCAN, cursor, "MATCH", pattern, "COUNT", String.valueOf(SCANNED_AT_ONCE));
        return ask(master, scan).compose(reply -> {
            String next = reply.get(0).toString();
            long counted = before + reply.get(1).size();
            return next.equals("0")
                    ? Future.succeededFuture(counted)
                    : redis.pause(PAUSE_BETWEEN_SCANS).compose(again -> count(master, pattern, next, counted));
        });
    }
}
