package example;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import redis.clients.jedis.Jedis;

/**
 * A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
 * leased, and takes nothing new. Arguments: HOST PORT TOPIC GROUP.
 */
public final class Consumer {
    private static void work(Map<String, Object> message) throws Exception {
        Thread.sleep(20);
        System.out.println("done " + Commands.text(message.get("payload")));
    }

    /** Acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a rest. */
    private static void settle(Commands commands, String topic, String group, String lease, List<?> messages) {
        List<Object> ack = new ArrayList<>(List.of(topic, group, lease, "POSITIONS", 0));
        Set<String> failed = new HashSet<>();
        for (Object message : messages) {
            Map<String, Object> fields = Commands.map(message);
            String key = Commands.text(fields.get("key"));
            if (failed.contains(key)) {
                continue; // It went back with the one before it.
            }
            Object position = fields.get("position");
            try {
                work(fields);
                ack.add(position);
            } catch (Exception error) {
                String cause = error.getClass().getSimpleName();
                commands.run("TOPIC.NACK", topic, group, lease, "POSITIONS", 1, position, "CAUSE", cause);
                if (key != null) {
                    failed.add(key);
                }
            }
        }
        ack.set(4, ack.size() - 5);
        if (ack.size() > 5) {
            commands.run("TOPIC.ACK", ack.toArray());
        }
    }

    public static void main(String[] args) {
        String topic = args[2], group = args[3], member = "java-" + ProcessHandle.current().pid();
        Ending ending = new Ending();
        try (Jedis jedis = new Jedis(args[0], Integer.parseInt(args[1]))) {
            Commands commands = new Commands(jedis);
            while (!ending.isTold()) {
                // Waits a second at most, so that it ends soon when it is told to.
                var read = commands.run("TOPIC.READ", topic, group, member, "COUNT", 10, "WAIT", 1000);
                String lease = Commands.text(read.get("lease"));
                if (lease != null) {
                    settle(commands, topic, group, lease, (List<?>) read.get("messages"));
                }
            }
        } finally {
            ending.finished();
        }
    }
}
