"""A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
nothing new.

    python worker.py HOST PORT QUEUE
"""

import os
import signal
import socket
import sys
import time

import redis


def work(job):
    time.sleep(0.02)
    print("done", job["payload"], flush=True)


def do(run, queue, job, lease):
    try:
        work(job)
    except Exception as error:
        run("JOB.FAIL", queue, job["id"], lease, "ERROR", str(error)[:50])
    else:
        run("JOB.DONE", queue, job["id"], lease)


def main(host, port, queue):
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
            taken = run("JOB.TAKE", member, 1, queue, "COUNT", 10, "WAIT", 1000)
            for job in taken["jobs"]:
                do(run, queue, job, taken["lease"])


main(*sys.argv[1:])
