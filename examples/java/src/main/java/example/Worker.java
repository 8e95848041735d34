package example;

import java.util.List;
import java.util.Map;
import redis.clients.jedis.Jedis;

/**
 * A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
 * nothing new. Arguments: HOST PORT QUEUE.
 */
public final class Worker {
    private static void work(Map<String, Object> job) throws Exception {
        Thread.sleep(20);
        System.out.println("done " + Commands.text(job.get("payload")));
    }

    private static void doJob(Commands commands, String queue, Map<String, Object> job, String lease) {
        String id = Commands.text(job.get("id"));
        try {
            work(job);
        } catch (Exception error) {
            commands.run("JOB.FAIL", queue, id, lease, "ERROR", error.getClass().getSimpleName());
            return;
        }
        commands.run("JOB.DONE", queue, id, lease);
    }

    public static void main(String[] args) {
        String queue = args[2], member = "java-" + ProcessHandle.current().pid();
        Ending ending = new Ending();
        try (Jedis jedis = new Jedis(args[0], Integer.parseInt(args[1]))) {
            Commands commands = new Commands(jedis);
            while (!ending.isTold()) {
                // Waits a second at most, so that it ends soon when it is told to.
                var taken = commands.run("JOB.TAKE", member, 1, queue, "COUNT", 10, "WAIT", 1000);
                String lease = Commands.text(taken.get("lease"));
                for (Object job : (List<?>) taken.get("jobs")) {
                    doJob(commands, queue, Commands.map(job), lease);
                }
            }
        } finally {
            ending.finished();
        }
    }
}
