package example;

import java.util.concurrent.CountDownLatch;

/** Whether somebody has told the process to end (SIGTERM): it does once its work is finished. */
final class Ending {
    private volatile boolean isTold;
    private final CountDownLatch finished = new CountDownLatch(1);

    Ending() {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            isTold = true;
            try {
                finished.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    boolean isTold() {
        return isTold;
    }

    void finished() {
        finished.countDown();
    }
}
