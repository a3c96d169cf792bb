package licenseserver.store;

import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.Event;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Rules;
import licenseserver.redis.StoreUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * Licenses in a map, under the keys and as the text that {@link RedisLicenseStore} has in Redis; one call at a time. For
 * tests of what uses a store.
 */
public final class InMemoryLicenseStore implements LicenseStore {
    private static final int MAX_ATTEMPTS = 20;

    private final HistorySettings history;
    private final EventJson eventJson;
    private final Map<String, String> records = new HashMap<>();
    private final Map<LicenseKey, List<String>> histories = new HashMap<>();
    private final Map<LicenseKey, Map<Long, Integer>> signs = new HashMap<>();
    private final List<RecentEvent> recentEvents = new ArrayList<>();

    private record RecentEvent(String key, String event) {}

    private int finds;
    private int updates;
    private int writes;
    private boolean unavailable;

    public InMemoryLicenseStore() {
        this(new HistorySettings(200, null, null));
    }

    /** A store that keeps histories in this way. */
    public InMemoryLicenseStore(HistorySettings history) {
        this.history = history;
        this.eventJson = new EventJson(history);
    }

    /** Places a record as an import from elsewhere would: under {@code license:KEY} or {@code email:ADDRESS}. */
    public synchronized void put(String redisKey, String record) {
        records.put(redisKey, record);
    }

    /** The record under a name; null if there is none. */
    public synchronized @Nullable String get(String redisKey) {
        return records.get(redisKey);
    }

    /** Replaces a license's history, as someone with access to Redis could. */
    public synchronized void putHistory(LicenseKey key, List<String> events) {
        histories.put(key, new ArrayList<>(events));
    }

    /** How many changes were written so far. */
    public synchronized int writes() {
        return writes;
    }

    /** How many licenses were looked for by their keys so far. */
    public synchronized int finds() {
        return finds;
    }

    /** Says whether every call fails from now on, as if Redis did not answer. */
    public synchronized void unavailable(boolean isUnavailable) {
        unavailable = isUnavailable;
    }

    /** How many updates were asked for so far. */
    public synchronized int updates() {
        return updates;
    }

    @Override
    public synchronized Future<Registration> register(Email email, Supplier<License> issue) {
        return result(() -> {
            for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
                License candidate = issue.get();
                String claim =
                        records.getOrDefault(indexOf(email), candidate.key().value());
                LicenseKey key = new LicenseKey(claim);
                License holder = read(key);
                if (holder == null) {
                    License created = candidate.withKey(key);
                    records.put(indexOf(email), claim);
                    write(created);
                    note(key, List.of(Rules.registered(created)));
                    return new Registration(true, key);
                }
                if (holder.belongsTo(email)) {
                    return new Registration(false, key);
                }
                records.remove(indexOf(email));
            }
            throw new StoreUnavailableException("every key that was issued is taken");
        });
    }

    @Override
    public synchronized Future<Optional<License>> find(LicenseKey key) {
        finds++;
        return result(() -> Optional.ofNullable(read(key)));
    }

    @Override
    public synchronized Future<Optional<License>> findByEmail(Email email) {
        return result(() -> Optional.ofNullable(records.get(indexOf(email)))
                .map(key -> read(new LicenseKey(key)))
                .filter(license -> license.belongsTo(email)));
    }

    @Override
    public synchronized <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        updates++;
        return result(() -> {
            License read = read(key);
            License license = read == null ? null : stored(key).on(read);
            Decision<R> decision = rule.apply(license);
            if (decision instanceof Decision.Save<R> save) {
                save(key, license, save.license(), save.events());
            } else if (decision instanceof Decision.Remove<R> remove) {
                remove(key, license, remove.events());
            }
            return decision.reply();
        });
    }

    private void save(LicenseKey key, @Nullable License before, License next, List<Event> events) {
        if (before != null) {
            Email from = Email.of(before.email());
            Email to = Email.of(next.email());
            if (!to.equals(from) && isTaken(to, key)) {
                throw new EmailTakenException();
            }
            if (!next.key().equals(key) && read(next.key()) != null) {
                throw new StoreUnavailableException("a new key was taken already");
            }
            if (!to.equals(from) || !next.key().equals(key)) {
                records.remove(indexOf(from), key.value());
                records.put(indexOf(to), next.key().value());
            }
        }
        note(key, events);
        if (!next.key().equals(key)) {
            records.remove(licenseAt(key));
            signs.remove(key);
            histories.put(next.key(), Optional.ofNullable(histories.remove(key)).orElseGet(ArrayList::new));
            recentEvents.replaceAll(recent -> recent.key().equals(key.value())
                    ? new RecentEvent(next.key().value(), recent.event())
                    : recent);
        }
        write(next);
        signs.getOrDefault(next.key(), new HashMap<>())
                .keySet()
                .retainAll(next.machines().stream()
                        .map(machine -> Sign.digest(machine.machineId()))
                        .toList());
    }

    /** Whether an e-mail leads to another key, and rightly so: one without a record is a registration that is under way. */
    private boolean isTaken(Email email, LicenseKey key) {
        String owner = records.get(indexOf(email));
        if (owner == null || owner.equals(key.value())) {
            return false;
        }
        License license = read(new LicenseKey(owner));
        return license == null || license.belongsTo(email);
    }

    private void remove(LicenseKey key, @Nullable License license, List<Event> events) {
        if (license == null) {
            throw new IllegalArgumentException("Only a license that there is can be removed");
        }
        note(key, events);
        List<RecentEvent> last = List.copyOf(recentEvents.subList(0, events.size()));
        forget(key);
        last.forEach(recent -> recentEvents.add(0, new RecentEvent(key.toString(), recent.event())));
        records.remove(indexOf(Email.of(license.email())), key.value());
    }

    private void forget(LicenseKey key) {
        writes++;
        histories.remove(key);
        signs.remove(key);
        records.remove(licenseAt(key));
        recentEvents.removeIf(recent -> recent.key().equals(key.value()));
    }

    @Override
    public synchronized Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now) {
        return result(() -> {
            try {
                read(key);
                return false;
            } catch (UnreadableLicenseException e) {
                if (replacement != null) {
                    String owner = records.putIfAbsent(indexOf(Email.of(replacement.email())), key.value());
                    if (owner != null && !owner.equals(key.value())) {
                        throw new EmailTakenException();
                    }
                    write(replacement.withKey(key));
                    note(key, List.of(Rules.replaced(now)));
                    return true;
                }
                forget(key);
                records.entrySet()
                        .removeIf(index -> index.getKey().startsWith("email:")
                                && index.getValue().equals(key.value())
                                && e.record().contains(index.getKey().substring("email:".length())));
                return true;
            }
        });
    }

    private void write(License license) {
        writes++;
        records.put(licenseAt(license.key()), LicenseJson.encode(license));
    }

    private void note(LicenseKey key, List<Event> events) {
        List<String> stored = histories.computeIfAbsent(key, unknown -> new ArrayList<>());
        for (Event event : events) {
            String encoded = eventJson.encode(event, stored.isEmpty() ? null : stored.get(stored.size() - 1));
            stored.add(encoded);
            recentEvents.add(0, new RecentEvent(key.value(), encoded));
        }
        while (stored.size() > history.events()) {
            stored.remove(0);
        }
    }

    @Override
    public synchronized Future<Void> addSigns(List<Sign> more) {
        return result(() -> {
            writes++;
            for (Sign sign : more) {
                if (records.containsKey(licenseAt(sign.key()))) {
                    signs.computeIfAbsent(sign.key(), first -> new HashMap<>()).put(sign.machine(), sign.minute());
                }
            }
            return null;
        });
    }

    @Override
    public synchronized Future<License> withSigns(License license) {
        return result(() -> stored(license.key()).on(license));
    }

    private StoredSigns stored(LicenseKey key) {
        return new StoredSigns(signs.getOrDefault(key, Map.of()));
    }

    @Override
    public synchronized Future<History> history(LicenseKey key) {
        return result(() -> eventJson.history(histories.getOrDefault(key, List.of())));
    }

    @Override
    public synchronized Future<List<String>> recentEvents(int most) {
        return result(() -> RecentEvents.newestFirst(
                recentEvents.stream()
                        .map(recent -> RecentEvents.shown(recent.key(), recent.event()))
                        .toList(),
                most));
    }

    private @Nullable License read(LicenseKey key) {
        return StoredLicense.decode(key, Optional.ofNullable(records.get(licenseAt(key))))
                .visible()
                .orElse(null);
    }

    private <T> Future<T> result(Supplier<T> call) {
        return unavailable
                ? Future.failedFuture(new StoreUnavailableException("it is away"))
                : Future.succeededFuture().map(start -> call.get());
    }

    private static String licenseAt(LicenseKey key) {
        return "license:" + key.value();
    }

    private static String indexOf(Email email) {
        return "email:" + email.address();
    }
}
