package licenseserver.http;

import io.vertx.core.Future;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A path that the server answers, with everything that is known about it before a request comes. */
public sealed interface Route {
    /** The path, which requests must match exactly. */
    String path();

    /** Makes the route of a page for GET and HEAD, which is made at once. */
    static Page page(String path, Supplier<Reply> content) {
        return new Page(path, content);
    }

    /**
     * Makes the route of a call: a JSON object in a POST request. Anyone may make it, it has no limit of its own, and
     * it takes no fields.
     */
    static Post call(String path, Answer answer) {
        return new Post(path, answer);
    }

    /** Makes the answer to a call. */
    @FunctionalInterface
    interface Answer {
        /** The answer. Fails, or throws, with {@link RefusedException} if the call cannot be taken as it is. */
        Future<Reply> to(Call call);
    }

    /**
     * A page.
     *
     * @param path the path
     * @param content makes the page
     */
    record Page(String path, Supplier<Reply> content) implements Route {}

    /** A field that must be there, and the refusal if it is not. */
    record Required(String field, Reply refusal) {}

    /** A call; to be described completely before the server starts. */
    final class Post implements Route {
        private final String path;
        private final Answer answer;
        private Access access = Access.ANYONE;
        private @Nullable CallLimit limit;
        private boolean isRepeatable;
        private Set<String> fields = Set.of();
        private boolean refusesOthers = true;
        private @Nullable Required required;
        private List<Reply> refusals = List.of();

        private Post(String path, Answer answer) {
            this.path = path;
            this.answer = answer;
        }

        /** Only these callers may make it. */
        public Post onlyFor(Access callers) {
            access = callers;
            return this;
        }

        /** It counts towards this limit, which it may share with other calls. */
        public Post limitedBy(CallLimit shared) {
            limit = shared;
            return this;
        }

        /** It is carried out once if its client repeats it with the same {@code Idempotency-Key}. */
        public Post repeatable() {
            isRepeatable = true;
            return this;
        }

        /** It refuses at once if this field is missing, before it looks at others. */
        public Post requires(String field, Reply refusal) {
            required = new Required(field, refusal);
            return this;
        }

        /** It takes these fields and ignores others, which clients of any age may send. */
        public Post takes(String... names) {
            fields = new LinkedHashSet<>(List.of(names));
            refusesOthers = false;
            return this;
        }

        /** It takes these fields and refuses others, so that a misspelt one does not go unnoticed. */
        public Post takesOnly(String... names) {
            takes(names);
            refusesOthers = true;
            return this;
        }

        /** It may refuse in these ways, besides those of every call and those that name a field. */
        public Post refuses(Reply... ways) {
            refusals = List.of(ways);
            return this;
        }

        @Override
        public String path() {
            return path;
        }

        Answer answer() {
            return answer;
        }

        Access access() {
            return access;
        }

        @Nullable
        CallLimit limit() {
            return limit;
        }

        boolean isRepeatable() {
            return isRepeatable;
        }

        Set<String> fields() {
            return fields;
        }

        @Nullable
        Required required() {
            return required;
        }

        boolean refusesOthers() {
            return refusesOthers;
        }

        List<Reply> refusals() {
            return refusals;
        }
    }
}
