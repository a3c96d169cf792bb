package licenseserver.redis;

import static org.assertj.core.api.Assertions.assertThat;

import licenseserver.redis.RedisReader.Redirection;
import licenseserver.redis.RespParser.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectionTest {
    private static final RedisNode ASKED = new RedisNode("asked.example", 6379);

    @Test
    void names_the_server_to_ask_from_now_on_or_only_this_time() {
        assertThat(Redirection.of(new Refusal("MOVED 3999 10.0.0.7:6381"), ASKED))
                .isEqualTo(new Redirection(3999, new RedisNode("10.0.0.7", 6381), false));
        assertThat(Redirection.of(new Refusal("ASK 3999 fe80::1:6381"), ASKED))
                .isEqualTo(new Redirection(3999, new RedisNode("fe80::1", 6381), true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"MOVED 3999 :6381", "MOVED 3999 ?:6381"})
    void without_a_name_it_leads_to_another_port_where_it_was_asked(String message) {
        assertThat(Redirection.of(new Refusal(message), ASKED))
                .isEqualTo(new Redirection(3999, new RedisNode("asked.example", 6381), false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ERR unknown command", "MOVED", "CLUSTERDOWN The cluster is down"})
    void any_other_error_leads_nowhere(String message) {
        assertThat(Redirection.of(new Refusal(message), ASKED)).isNull();
    }
}
