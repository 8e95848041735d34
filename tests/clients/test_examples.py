"""The programs in `examples/`: each is told to end in the middle of its work and started again, and everything was done
once. A language that is not on this machine, or whose packages are not to be had, is skipped."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis
from conftest import ROOT, as_map, items, until

EXAMPLES = ROOT / "examples"
# Beside the node modules that `run.sh` installs.
BUILT = Path(os.environ.get("CLIENTS_NODE", ROOT / "target/clients/node")).parent / "examples"

BUILD_DEADLINE_S = 600
# A registry may be out of reach for a moment.
FETCH_TRIES = 3
DEADLINE_S = 60
THINGS = 45
# A process of Java that was told to end says so, once it has finished.
ENDED_WELL = {0, 128 + signal.SIGTERM}


def run(folder, *command, environment=None):
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=BUILD_DEADLINE_S,
        check=False,
    )


def fetch(folder, *command):
    """The packages of an example, from where this machine has them; without them it is skipped."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} on this machine")
    if not any(run(folder, *command).returncode == 0 for _ in range(FETCH_TRIES)):
        pytest.skip(f"the packages that {command[0]} wants are out of reach")


def build(folder, *command, environment=None):
    done = run(folder, *command, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def copied(name, at=None):
    """A folder in which building leaves nothing behind in the repository."""
    folder = at or BUILT / name
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    return folder


def python(kind):
    return [sys.executable, EXAMPLES / "python" / f"{kind}.py"]


def node(kind):
    if shutil.which("node") is None:
        pytest.skip("no node on this machine")
    folder = copied("node", Path(os.environ["CLIENTS_NODE"]) / "examples")
    return ["node", folder / f"{kind}.mjs"]


def go(kind):
    program = BUILT / f"go-{kind}"
    fetch(EXAMPLES / "go", "go", "mod", "download")
    build(EXAMPLES / "go", "go", "build", "-o", program, f"./{kind}")
    return [program]


def java(kind):
    folder = copied("java")
    fetch(folder, "mvn", "-q", "-B", "dependency:resolve", "dependency:resolve-plugins")
    build(folder, "mvn", "-q", "-B", "compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath")
    classpath = f"{folder / 'target/classes'}:{(folder / 'classpath').read_text(encoding='utf-8')}"
    return ["java", "-cp", classpath, f"example.{kind.capitalize()}"]


def rust(kind):
    folder = BUILT / "rust"
    fetch(EXAMPLES / "rust", "cargo", "fetch", "-q", "--locked")
    build(EXAMPLES / "rust", "cargo", "build", "-q", "--locked", environment={"CARGO_TARGET_DIR": str(folder)})
    return [folder / "debug" / kind]


def csharp(kind):
    folder = copied("csharp")
    fetch(folder, "dotnet", "restore", "-v", "quiet")
    build(folder, "dotnet", "build", "-v", "quiet", "-o", "out")
    return ["dotnet", folder / "out/examples.dll", kind]


LANGUAGES = [python, node, go, java, rust, csharp]


class Program:
    """One that runs, with the lines that it has printed."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.reader.start()

    def has_done(self, count):
        until(lambda: len(self.lines) >= count or self.process.poll() is not None, f"{count} are done", DEADLINE_S)

    def end(self):
        """Told to end, it does once what it has is done."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        assert code in ENDED_WELL, self.process.stderr.read()
        return self.lines


@pytest.fixture
def client(server):
    with redis.Redis(port=server.port, protocol=3, decode_responses=True) as client:
        yield client


def run_twice(command):
    """What was done before it was told to end, and after it was started again."""
    first = Program(command)
    first.has_done(THINGS // 3)
    before = list(first.end())
    second = Program(command)
    second.has_done(THINGS - len(before))
    after = second.end()
    assert 0 < len(before) < THINGS, "it was told to end in the middle"
    assert sorted(before + after) == sorted(f"done {n}\n" for n in range(THINGS))
    return len(before)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.__name__)
def test_consumer_ends_when_it_is_told_to_and_each_message_is_acknowledged_once(server, client, sku, language):
    command, topic = language("consumer"), f"topic-{sku}"
    run = client.execute_command
    run("TOPIC.CREATE", topic)
    run("TOPIC.GROUP", topic, "g", "LEASE", 43_200_000)  # So none comes again because it was late.
    for n in range(THINGS):
        run("TOPIC.PUBLISH", topic, f"m{n}", n)
    run_twice([*command, "127.0.0.1", str(server.port), topic, "g"])
    [group] = items(run("TOPIC.GROUPS", topic))
    left = [group[name] for name in ["lag", "leased", "resting", "dead"]]
    assert (group["acked"], left) == (THINGS, [0, 0, 0, 0])


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.__name__)
def test_worker_ends_when_it_is_told_to_and_each_job_is_done_once(server, client, sku, language):
    command, queue = language("worker"), f"queue-{sku}"
    run = client.execute_command
    for n in range(THINGS):
        run("JOB.ADD", queue, f"j{n}", n, "TIMEOUT", 86_400_000)
    run_twice([*command, "127.0.0.1", str(server.port), queue])
    for n in range(THINGS):
        job = as_map(run("JOB.GET", queue, f"j{n}"))
        assert (job["state"], job["tries"]) == ("done", 1), job
