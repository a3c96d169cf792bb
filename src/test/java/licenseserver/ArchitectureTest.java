package licenseserver;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;

/** Which package may know which. */
@AnalyzeClasses(packages = "licenseserver", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "licenseserver";
    private static final String LICENSE = "licenseserver.license..";
    private static final String EMBEDDED = "licenseserver.redis.embedded..";

    /** What each package may know of the others, besides itself. The root knows all. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            entry("license", Set.of()),
            entry("config", Set.of()),
            entry("memory", Set.of()),
            entry("redis", Set.of("config", "memory")),
            entry("redis.embedded", Set.of("config", "redis")),
            entry("http", Set.of("config", "memory")),
            entry("event", Set.of("license", "redis", "config")),
            entry("store", Set.of("license", "event", "redis", "config", "memory")),
            entry("access", Set.of("http", "redis", "config")),
            entry("capability", Set.of("license", "event", "store", "access", "http", "redis", "config")),
            entry("idempotency", Set.of("license", "store", "http", "redis", "config", "memory")));

    /** What a capability, which is every other package, may know: not another capability. */
    private static final Set<String> OF_A_CAPABILITY =
            Set.of("license", "capability", "event", "store", "access", "http", "redis", "config", "memory");

    @ArchTest
    static final ArchRule arrows_run_one_way = classes()
            .that()
            .resideOutsideOfPackage(ROOT)
            .should(new ArchCondition<JavaClass>("know only the packages that theirs may know") {
                @Override
                public void check(JavaClass ours, ConditionEvents events) {
                    String from = room(ours);
                    Set<String> known = ARROWS.getOrDefault(from, OF_A_CAPABILITY);
                    for (Dependency dependency : ours.getDirectDependenciesFromSelf()) {
                        String to = room(dependency.getTargetClass());
                        boolean isArrow = to.equals(from) || to.equals(ELSEWHERE) || known.contains(to);
                        if (!isArrow) {
                            events.add(SimpleConditionEvent.violated(dependency, dependency.getDescription()));
                        }
                    }
                }
            });

    private static final String ELSEWHERE = "";

    /** The package without what all names begin with; {@link #ELSEWHERE} if it is not one of ours. */
    private static String room(JavaClass any) {
        String name = any.getBaseComponentType().getPackageName();
        if (name.equals(ROOT)) {
            return ROOT;
        }
        return name.startsWith(ROOT + ".") ? name.substring(ROOT.length() + 1) : ELSEWHERE;
    }

    @ArchTest
    static final ArchRule packages_have_no_cycles =
            slices().matching("licenseserver.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule license_knows_nothing_but_java = classes()
            .that()
            .resideInAPackage(LICENSE)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(LICENSE, "java..", "org.jspecify..");

    @ArchTest
    static final ArchRule license_does_no_input_and_output_and_reads_no_clock = noClasses()
            .that()
            .resideInAPackage(LICENSE)
            .should()
            .dependOnClassesThat(resideInAnyPackage("java.io..", "java.nio..", "java.net..", "java.sql..")
                    .and(resideInAPackage("java.nio.charset..").negate()))
            .orShould()
            .callMethod(Instant.class, "now")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .dependOnClassesThat()
            .belongToAnyOf(Clock.class, InstantSource.class);

    @ArchTest
    static final ArchRule what_keeps_data_knows_no_http = noClasses()
            .that()
            .resideInAnyPackage("licenseserver.store..", "licenseserver.redis..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.vertx.core.http..", "io.vertx.ext.web..");

    @ArchTest
    static final ArchRule what_is_asked_over_http_speaks_to_no_redis = noClasses()
            .that()
            .resideInAnyPackage("licenseserver.http..", "licenseserver.api..", ROOT)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.vertx.redis..");

    @ArchTest
    static final ArchRule only_embedded_knows_the_redis_binaries = noClasses()
            .that()
            .resideOutsideOfPackage(EMBEDDED)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("redis.embedded..");
}
