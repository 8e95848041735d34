package example;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    /** Acknowledges what was done; what fails goes back with all behind it, and is given again after a rest. */
    private static void settle(Commands commands, String topic, String group, String lease, List<?> messages) {
        List<Object> ack = new ArrayList<>(List.of(topic, group, lease, "POSITIONS", 0));
        try {
            for (Object message : messages) {
                Map<String, Object> fields = Commands.map(message);
                work(fields);
                ack.add(fields.get("position"));
            }
        } catch (Exception error) {
            int done = ack.size() - 5;
            ack.set(4, done);
            if (done > 0) {
                commands.run("TOPIC.ACK", ack.toArray());
            }
            commands.run("TOPIC.NACK", topic, group, lease, "CAUSE", error.getClass().getSimpleName());
            return;
        }
        commands.run("TOPIC.ACK", topic, group, lease);
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
