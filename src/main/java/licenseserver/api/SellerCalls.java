package licenseserver.api;

import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import licenseserver.http.Access;
import licenseserver.http.Call;
import licenseserver.http.Fields;
import licenseserver.http.RefusedException;
import licenseserver.http.Reply;
import licenseserver.http.Route;
import licenseserver.license.Answer;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.license.Verdict;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.History;
import licenseserver.store.LicenseJson;
import licenseserver.store.LicenseStore;
import licenseserver.store.UnreadableLicenseException;
import org.jspecify.annotations.Nullable;

/**
 * The calls of sellers: of their scripts and their people. All calls but register name the license by {@code key}, or
 * else by {@code email}.
 */
final class SellerCalls {
    private static final Reply DONE = Reply.ok("{\"success\":true}");
    private static final int MAX_LOOKUPS = 20;
    private static final int MAX_REASON_LENGTH = 500;
    private static final int MAX_EVENTS = 1000;
    private static final long DEFAULT_EVENTS = 50;

    private final LicenseStore licenses;
    private final int maxMachines;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();

    /**
     * Makes the calls on a store.
     *
     * @param maxMachines how many machines a new license allows if its registration does not say
     */
    SellerCalls(LicenseStore licenses, int maxMachines, InstantSource clock) {
        this.licenses = licenses;
        this.maxMachines = maxMachines;
        this.clock = clock;
    }

    List<Route> routes(Access admin) {
        return Stream.of(
                        Route.call("/register-license", this::register)
                                .repeatable()
                                .requires("email", Refusals.EMAIL_REQUIRED)
                                .takesOnly(names(TermsFields.NAMES, "email"))
                                .refuses(Refusals.EMAIL_INVALID),
                        Route.call("/license-info", this::info)
                                .takes("key", "email")
                                .refuses(Refusals.LICENSE_NOT_FOUND, Refusals.UNREADABLE),
                        named("/disable-license", this::disable, "reason"),
                        named("/enable-license", this::enable, "reason"),
                        named("/update-license", this::update, names(TermsFields.NAMES, "newEmail", "record"))
                                .repeatable()
                                .refuses(
                                        Refusals.KEY_OR_EMAIL_REQUIRED,
                                        Refusals.LICENSE_NOT_FOUND,
                                        Refusals.EMAIL_TAKEN,
                                        Refusals.RECORD_IS_READABLE),
                        named("/reset-machines", this::resetMachines, "machineId"),
                        named("/rotate-key", this::rotateKey, "keepMachines").repeatable(),
                        named("/delete-license", this::delete).refuses(Refusals.KEY_OR_EMAIL_REQUIRED),
                        named("/license-history", this::history, "limit", "before"),
                        Route.call("/recent-events", this::recentEvents).takesOnly("limit"))
                .map(route -> (Route) route.onlyFor(admin))
                .toList();
    }

    /** Makes the route of a call on one license, which is named by its key or else its e-mail. */
    private static Route.Post named(String path, Route.Answer answer, String... others) {
        return Route.call(path, answer)
                .takesOnly(names(List.of(others), "key", "email"))
                .refuses(Refusals.KEY_OR_EMAIL_REQUIRED, Refusals.LICENSE_NOT_FOUND);
    }

    private static String[] names(Collection<String> more, String... first) {
        return Stream.concat(Stream.of(first), more.stream().sorted()).toArray(String[]::new);
    }

    private Future<Reply> register(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        Optional<Email> email = Optional.ofNullable(fields.text("email")).flatMap(Email::parse);
        if (email.isEmpty()) {
            return Future.succeededFuture(Refusals.EMAIL_INVALID);
        }
        Terms terms = TermsFields.read(fields, maxMachines, now).apply(Terms.of(maxMachines));
        return register(email.get(), terms, now);
    }

    private Future<Reply> register(Email email, Terms terms, Instant now) {
        return licenses.register(email, () -> License.issue(LicenseKey.random(random), email, now, terms))
                .map(registration -> registration.created()
                        ? Reply.ok(new JsonObject()
                                .put("success", true)
                                .put("key", registration.key().value())
                                .put("email", email.address()))
                        : Reply.ok(new JsonObject()
                                .put("success", false)
                                .put("message", "Email already registered")
                                .put("key", registration.key().value())));
    }

    private Future<Reply> info(Call call) {
        Fields fields = call.fields();
        return find(fields)
                .compose(found ->
                        found.map(this::shown).orElseGet(() -> Future.succeededFuture(Refusals.LICENSE_NOT_FOUND)))
                .recover(failure -> failure instanceof UnreadableLicenseException unreadable
                        ? Future.succeededFuture(Refusals.unreadable(unreadable.problem(), unreadable.record()))
                        : Future.failedFuture(failure));
    }

    private Future<Reply> shown(License license) {
        return licenses.withSigns(license)
                .map(seen -> Reply.ok("{\"success\":true,\"license\":" + ShownLicense.encode(seen) + "}"));
    }

    private Future<Optional<License>> find(Fields fields) {
        String key = fields.text("key");
        if (key != null) {
            return LicenseKey.parse(key).map(licenses::find).orElseGet(SellerCalls::nothing);
        }
        return email(fields).map(licenses::findByEmail).orElseGet(SellerCalls::nothing);
    }

    /**
     * Returns the e-mail to look up. Any text is looked up, because records from elsewhere may have any text as an
     * address.
     */
    private static Optional<Email> email(Fields fields) {
        return Optional.ofNullable(fields.text("email")).map(Email::of);
    }

    private static <T> Future<Optional<T>> nothing() {
        return Future.succeededFuture(Optional.empty());
    }

    private Future<Reply> disable(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        String reason = fields.line("reason", MAX_REASON_LENGTH);
        return change(fields, license -> Rules.setDisabled(license, true, reason, now), done -> DONE);
    }

    private Future<Reply> enable(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        String reason = fields.line("reason", MAX_REASON_LENGTH);
        return change(fields, license -> Rules.setDisabled(license, false, reason, now), done -> DONE);
    }

    private Future<Reply> resetMachines(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        String machineId = fields.line("machineId", Machine.MAX_ID_LENGTH);
        if (fields.has("machineId") && machineId == null) {
            // A script whose variable is not set must not free the slots of all machines.
            throw Fields.refused("machineId", "must be text, or left out for all machines");
        }
        // The rule runs again if another change came first. What it saw last is what took effect.
        var before = new AtomicInteger();
        return change(
                fields,
                license -> {
                    before.set(license == null ? 0 : license.machines().size());
                    return Rules.resetMachines(license, machineId, now);
                },
                reset -> Reply.ok(new JsonObject()
                        .put("success", true)
                        .put("freed", before.get() - reset.machines().size())));
    }

    private Future<Reply> update(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        if (fields.has("record")) {
            return mend(fields, now);
        }
        UnaryOperator<Terms> terms = TermsFields.read(fields, maxMachines, now);
        Email newEmail = newEmail(fields);
        return changeAndRead(fields, license -> Rules.update(license, terms, newEmail, now), this::shown);
    }

    /**
     * Replaces a record that cannot be read by a license: the text that {@code /license-info} shows, after someone
     * has mended it.
     */
    private Future<Reply> mend(Fields fields, Instant now) {
        fields.allowOnly(Set.of("key", "record"));
        String key = fields.text("key");
        if (key == null) {
            throw Fields.refused("record", "needs the key that it lies under");
        }
        License mended = mended(fields);
        return LicenseKey.parse(key)
                .map(known -> licenses.mendUnreadable(known, mended, now)
                        .compose(done -> licenses.find(known).compose(license -> {
                            Reply otherwise =
                                    license.isEmpty() ? Refusals.LICENSE_NOT_FOUND : Refusals.RECORD_IS_READABLE;
                            return done && license.isPresent()
                                    ? shown(license.get())
                                    : Future.succeededFuture(otherwise);
                        })))
                .orElseGet(() -> Future.succeededFuture(Refusals.LICENSE_NOT_FOUND));
    }

    private static License mended(Fields fields) {
        String record = fields.text("record");
        try {
            if (record != null) {
                return LicenseJson.decode(record);
            }
        } catch (UnreadableLicenseException e) {
            throw Fields.refused("record", "cannot be read: " + e.problem());
        }
        throw Fields.refused("record", "must be the text of a license");
    }

    private static @Nullable Email newEmail(Fields fields) {
        if (!fields.has("newEmail")) {
            return null;
        }
        return Optional.ofNullable(fields.text("newEmail"))
                .flatMap(Email::parse)
                .orElseThrow(() -> Fields.refused("newEmail", "must be an e-mail address"));
    }

    private Future<Reply> rotateKey(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        boolean keepMachines = !fields.has("keepMachines") || fields.choice("keepMachines");
        LicenseKey newKey = LicenseKey.random(random);
        return change(
                fields,
                license -> Rules.rotateKey(license, newKey, keepMachines, now),
                license -> Reply.ok(new JsonObject()
                        .put("success", true)
                        .put("key", license.key().value())));
    }

    /**
     * Deletes a license. Also succeeds if there is nothing to delete. A record that cannot be read is deleted by its
     * key.
     */
    private Future<Reply> delete(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        return change(fields, license -> Rules.delete(license, now), deleted -> DONE)
                .map(reply -> reply.equals(Refusals.LICENSE_NOT_FOUND) ? DONE : reply)
                .recover(failure -> failure instanceof UnreadableLicenseException && fields.text("key") != null
                        ? locate(fields)
                                .compose(key -> licenses.mendUnreadable(key.orElseThrow(), null, now))
                                .compose(removed ->
                                        removed ? Future.succeededFuture(DONE) : Future.failedFuture(failure))
                        : Future.failedFuture(failure));
    }

    /** Changes the license that the fields name. */
    private Future<Reply> change(
            Fields fields, Function<@Nullable License, Decision<Answer>> rule, Function<License, Reply> success) {
        return changeAndRead(fields, rule, license -> Future.succeededFuture(success.apply(license)));
    }

    private Future<Reply> changeAndRead(
            Fields fields,
            Function<@Nullable License, Decision<Answer>> rule,
            Function<License, Future<Reply>> success) {
        requireName(fields);
        return change(fields, rule, MAX_LOOKUPS)
                .compose(answer -> answer.verdict() == Verdict.OK && answer.license() != null
                        ? success.apply(answer.license())
                        : Future.succeededFuture(Refusals.of(answer.verdict())));
    }

    private static void requireName(Fields fields) {
        if (fields.text("key") == null && fields.text("email") == null) {
            throw new RefusedException(Refusals.KEY_OR_EMAIL_REQUIRED);
        }
    }

    /**
     * Looks the license up again if it was found by its e-mail and has another key, or another e-mail, by the time it
     * is changed.
     */
    private Future<Answer> change(Fields fields, Function<@Nullable License, Decision<Answer>> rule, int lookups) {
        return locate(fields)
                .compose(key -> key.isEmpty()
                        ? Future.succeededFuture(new Answer(Verdict.NOT_FOUND, null))
                        : licenses.update(key.get(), license -> rule.apply(isMeant(fields, license) ? license : null))
                                .compose(answer -> {
                                    if (answer.verdict() != Verdict.NOT_FOUND || fields.text("key") != null) {
                                        return Future.succeededFuture(answer);
                                    }
                                    return lookups > 1
                                            ? change(fields, rule, lookups - 1)
                                            : Future.failedFuture(new StoreUnavailableException(
                                                    "others kept moving the license of one e-mail"));
                                }));
    }

    private Future<Optional<LicenseKey>> locate(Fields fields) {
        String key = fields.text("key");
        return key != null
                ? Future.succeededFuture(LicenseKey.parse(key))
                : find(fields).map(license -> license.map(License::key));
    }

    private static boolean isMeant(Fields fields, @Nullable License license) {
        return license == null
                || fields.text("key") != null
                || email(fields).filter(license::belongsTo).isPresent();
    }

    private Future<Reply> history(Call call) {
        Fields fields = call.fields();
        Long limit = fields.integer("limit", 1, MAX_EVENTS);
        Long before = fields.integer("before", 1, Long.MAX_VALUE);
        requireName(fields);
        return find(fields)
                .compose(license -> license.isEmpty()
                        ? Future.succeededFuture(Refusals.LICENSE_NOT_FOUND)
                        : licenses.history(license.get().key())
                                .map(history -> page(
                                        history,
                                        limit == null ? DEFAULT_EVENTS : limit,
                                        before == null ? Long.MAX_VALUE : before)));
    }

    /**
     * Returns the newest events before a number. {@code before} in the answer leads to the next page, if there is
     * one.
     */
    private static Reply page(History history, long limit, long before) {
        var page = new JsonArray();
        Long next = null;
        for (int i = history.events().size() - 1; i >= 0; i--) {
            var event = new JsonObject(history.events().get(i));
            if (event.getLong("n") < before) {
                if (page.size() == limit) {
                    next = ((JsonObject) page.getValue(page.size() - 1)).getLong("n");
                    break;
                }
                page.add(event);
            }
        }
        var body = new JsonObject().put("success", true).put("whole", history.isWhole());
        history.unverified().ifPresent(unverified -> body.put("unverified", unverified));
        body.put("events", page);
        return Reply.ok(next == null ? body : body.put("before", next));
    }

    private Future<Reply> recentEvents(Call call) {
        Fields fields = call.fields();
        Long limit = fields.integer("limit", 1, MAX_EVENTS);
        return licenses.recentEvents((int) (limit == null ? DEFAULT_EVENTS : limit))
                .map(events -> Reply.ok("{\"success\":true,\"events\":[" + String.join(",", events) + "]}"));
    }
}
