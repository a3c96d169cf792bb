# Build: docker build -t license-server .
# Try:   docker run --rm -p 127.0.0.1:8080:8080 -v licenses:/data --read-only --tmpfs /tmp license-server
# Two of them behind a load balancer: conf/compose.yaml

FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /build
# Builds one small file, to download all that the build needs in a layer that is used again until the pom changes.
COPY pom.xml ./
COPY .mvn .mvn
COPY src/main/java/licenseserver/package-info.java src/main/java/licenseserver/
RUN mvn -B -DskipTests package && rm -r target
COPY src/main src/main
RUN mvn -B -DskipTests package

# Not the Alpine variant: the steps below need apt-get and bash.
FROM eclipse-temurin:25-jre
LABEL org.opencontainers.image.title="License Server" \
      org.opencontainers.image.licenses="Apache-2.0"

# The Redis of a server without a REDIS_URL. The distribution mends it; the one that the jar carries gets no more fixes. Ubuntu has
# valkey-server from 24.04 on; where there is none, its redis-server will do.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && { apt-get install --yes --no-install-recommends tini valkey-server \
         || apt-get install --yes --no-install-recommends tini redis-server; } \
    && rm -rf /var/lib/apt/lists/*

# The number is fixed because folders that are mounted at /data must belong to it, and above those of the base image's users.
RUN groupadd --gid 10001 license-server \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin license-server \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data

# A settings file may be mounted as conf/license-server.env in here.
WORKDIR /opt/license-server
COPY --from=build /build/target/license-server.jar ./

# What a start loads and links, kept in a cache (JDK 24 and newer): starts in about half the time. It is made by one start with the
# flags of the ENTRYPOINT, which is stopped as soon as it is ready, and used only with the same JVM and jar.
RUN HOST=127.0.0.1 DATA_DIR=/tmp/training java -XX:AOTCacheOutput=license-server.aot -XX:+UseSerialGC \
        --sun-misc-unsafe-memory-access=allow -Dio.netty.noUnsafe=false --add-opens=java.base/java.lang=ALL-UNNAMED \
        --enable-native-access=ALL-UNNAMED -jar license-server.jar & server=$! \
    && bash -c 'for i in {1..600}; do \
            exec 3<>/dev/tcp/127.0.0.1/8080 && printf "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3 \
                && read -r _ status _ <&3 && [ "$status" = 200 ] && exit 0; \
            sleep 0.1; \
        done; exit 1' 2> /dev/null \
    && kill "$server" && wait "$server" \
    && test -s license-server.aot && rm -r /tmp/training

# By number, so that Kubernetes' runAsNonRoot can tell that it is not root.
USER 10001:10001

# Only used where there is no REDIS_URL: the server's own Redis keeps everything in here. Mount a volume with a name: one
# without a name does not follow to the next container, and --rm deletes it.
ENV DATA_DIR=/data
VOLUME /data

EXPOSE 8080

# /livez, not /readyz: whatever restarts unhealthy containers must not do so while Redis is away. That would cure nothing,
# and every server would have to start anew just when Redis is back. /readyz is for load balancers.
# The start period is as long as the server's own Redis may take to load its data. The image has bash but not curl.
# The port is taken from the environment; set PORT there, not in a settings file.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${PORT:-8080} && printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]

# 64 MB of heap are enough for tens of thousands of validations a second; with them, and what the JVM itself needs, the server stays below
# 160 MB. For a heap of this size the serial collector is the best: its pauses are half as long as G1's, and it takes 30 MB less.
# More connections than some thousand, or a near cache for more than some ten thousand licenses, want more heap, and then G1:
# docker run -e JDK_JAVA_OPTIONS="-Xmx256m -XX:+UseG1GC", and a container with 192 MB more than the heap.
ENV JDK_JAVA_OPTIONS="-Xmx64m -XX:+UseSerialGC"

# No shell in between, so that java gets the SIGTERM of `docker stop`. That waits 10 s, as long as SHUTDOWN_TIMEOUT_SECONDS:
# give it more (--time 15) or less work. Without tini java would be process 1, for which the kernel drops a SIGTERM that comes
# before java can handle it.
ENTRYPOINT ["tini", "--", "java", \
    # A server that has run out of memory once may be broken in any way; a new one is not.
    "-XX:+ExitOnOutOfMemoryError", \
    # Let Netty manage its buffers with sun.misc.Unsafe and what lies behind it, which is faster; on Java 25 it otherwise does without.
    "--sun-misc-unsafe-memory-access=allow", \
    "-Dio.netty.noUnsafe=false", \
    "--add-opens=java.base/java.lang=ALL-UNNAMED", \
    "--enable-native-access=ALL-UNNAMED", \
    "-XX:AOTCache=license-server.aot", \
    "-jar", "license-server.jar"]
