package example;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.Jedis;

/** Commands by their names, and their answers by the names of their fields. */
record Commands(Jedis jedis) {
    Map<String, Object> run(String name, Object... args) {
        String[] texts = new String[args.length];
        for (int at = 0; at < args.length; at++) {
            texts[at] = args[at].toString();
        }
        return map(jedis.sendCommand(() -> name.getBytes(StandardCharsets.UTF_8), texts));
    }

    /** Names and values by turns, as the connection has them. */
    static Map<String, Object> map(Object answer) {
        List<?> flat = (List<?>) answer;
        Map<String, Object> fields = new HashMap<>();
        for (int at = 0; at < flat.size(); at += 2) {
            fields.put(text(flat.get(at)), flat.get(at + 1));
        }
        return fields;
    }

    static String text(Object value) {
        return value == null ? null : new String((byte[]) value, StandardCharsets.UTF_8);
    }
}
