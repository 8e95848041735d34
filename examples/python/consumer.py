"""A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
leased, and takes nothing new.

    python consumer.py HOST PORT TOPIC GROUP
"""

import os
import signal
import socket
import sys
import time

import redis


def work(message):
    time.sleep(0.02)
    print("done", message["payload"], flush=True)


def settle(run, of_lease, messages):
    """Acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a
    rest."""
    done, failed = [], set()
    for message in messages:
        if message["key"] in failed:
            continue  # It went back with the one before it.
        try:
            work(message)
            done.append(message["position"])
        except Exception as error:
            run("TOPIC.NACK", *of_lease, "POSITIONS", 1, message["position"], "CAUSE", str(error)[:50])
            if message["key"] is not None:
                failed.add(message["key"])
    if done:
        run("TOPIC.ACK", *of_lease, "POSITIONS", len(done), *done)


def main(host, port, topic, group):
    is_ending = False

    def end(*_):
        nonlocal is_ending
        is_ending = True

    signal.signal(signal.SIGTERM, end)
    member = f"{socket.gethostname()}-{os.getpid()}"
    with redis.Redis(host=host, port=int(port), protocol=3, decode_responses=True) as client:
        run = client.execute_command
        while not is_ending:
            # Waits a second at most, so that it ends soon when it is told to.
            read = run("TOPIC.READ", topic, group, member, "COUNT", 10, "WAIT", 1000)
            if read["lease"]:
                settle(run, (topic, group, read["lease"]), read["messages"])


main(*sys.argv[1:])
