package licenseserver;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;

/** Which package may know which. The root package wires. */
@AnalyzeClasses(packages = "licenseserver", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "licenseserver";
    private static final String LICENSE = "licenseserver.license..";
    private static final String STORE = "licenseserver.store..";
    private static final String REDIS = "licenseserver.redis..";
    private static final String IDEMPOTENCY = "licenseserver.idempotency..";
    private static final String HTTP = "licenseserver.http..";
    private static final String EMBEDDED = "licenseserver.redis.embedded..";

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
    static final ArchRule store_knows_of_ours_only_license = noClasses()
            .that()
            .resideInAPackage(STORE)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ROOT, HTTP, EMBEDDED);

    @ArchTest
    static final ArchRule store_knows_no_http = noClasses()
            .that()
            .resideInAPackage(STORE)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.vertx.core.http..", "io.vertx.ext.web..");

    @ArchTest
    static final ArchRule http_knows_of_ours_only_store_and_license = noClasses()
            .that()
            .resideInAPackage(HTTP)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ROOT, EMBEDDED);

    @ArchTest
    static final ArchRule only_redis_and_what_keeps_data_speak_to_redis = noClasses()
            .that()
            .resideOutsideOfPackages(REDIS, STORE, IDEMPOTENCY)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.vertx.redis..");

    @ArchTest
    static final ArchRule embedded_is_used_only_by_the_root = classes()
            .that()
            .resideInAPackage(EMBEDDED)
            .should()
            .onlyBeAccessed()
            .byAnyPackage(ROOT, EMBEDDED);

    @ArchTest
    static final ArchRule embedded_knows_of_ours_nothing = noClasses()
            .that()
            .resideInAPackage(EMBEDDED)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ROOT, LICENSE, STORE, HTTP);

    @ArchTest
    static final ArchRule redis_knows_nothing_of_licenses = noClasses()
            .that()
            .resideInAPackage(REDIS)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ROOT, LICENSE, STORE, HTTP, IDEMPOTENCY, "licenseserver.api..");

    @ArchTest
    static final ArchRule only_embedded_knows_the_redis_binaries = noClasses()
            .that()
            .resideOutsideOfPackage(EMBEDDED)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("redis.embedded..");

    @ArchTest
    static final ArchRule nobody_uses_the_root = noClasses()
            .that()
            .resideOutsideOfPackage(ROOT)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(ROOT);

    @ArchTest
    static final ArchRule packages_have_no_cycles =
            slices().matching("licenseserver.(*)..").should().beFreeOfCycles();
}
