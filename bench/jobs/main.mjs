// Jobs side by side: added, taken and done, by BullMQ on Redis and by Tidegate, with the same client library.
//
//   node main.mjs REDIS_PORT TIDEGATE_PORT ROUNDS SECONDS
//
// Each lane adds jobs of 100 bytes and goes on once as many have been done. Of BullMQ a worker of as many jobs at once
// does them; of Tidegate each lane takes and finishes jobs itself, on a connection of its own.
import { Queue, Worker } from "bullmq";
import Redis from "ioredis";

const [redisPort, tidegatePort, rounds, seconds] = process.argv.slice(2).map(Number);
const payload = "x".repeat(100);
const connect = (port) => new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null, lazyConnect: false });
const modes = [
  { name: "one in flight", lanes: 1, batch: 1 },
  { name: "50 at once", lanes: 50, batch: 1 },
  { name: "batches of 100, 8 at once", lanes: 8, batch: 100 },
];

/** Runs lanes until the time is over; gives how many jobs were done in a second. */
async function run({ lanes, batch }, cycle) {
  const began = performance.now();
  let done = 0;
  const lane = async (number) => {
    while (performance.now() - began < seconds * 1000) {
      await cycle(number, batch);
      done += batch;
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return { done, rate: (done * 1000) / (performance.now() - began) };
}

let runs = 0;

async function bullmq(mode) {
  const name = `q${++runs}`;
  const queue = new Queue(name, { connection: connect(redisPort) });
  const waiting = new Map();
  const worker = new Worker(name, async () => "r", {
    connection: connect(redisPort),
    concurrency: mode.lanes * mode.batch,
  });
  worker.on("completed", (job) => waiting.get(job.data.lane)?.());
  await worker.waitUntilReady();
  const told = await run(mode, async (lane, batch) => {
    const all = new Promise((resolve) => {
      let left = batch;
      waiting.set(lane, () => --left || resolve());
    });
    const job = { name: "job", data: { lane, payload } };
    if (batch === 1) await queue.add(job.name, job.data);
    else await queue.addBulk(Array.from({ length: batch }, () => job));
    await all;
  });
  const { completed } = await queue.getJobCounts("completed");
  await worker.close();
  await queue.close();
  check(completed, told.done);
  return told.rate;
}

async function tidegate(mode) {
  const name = `q${++runs}`;
  const wires = Array.from({ length: mode.lanes }, () => connect(tidegatePort));
  const told = await run(mode, async (lane, batch) => {
    const wire = wires[lane];
    const add = () => wire.call("JOB.ADD", name, "*", payload);
    await Promise.all(Array.from({ length: batch }, add));
    for (let left = batch; left > 0; ) {
      const answer = fields(await wire.call("JOB.TAKE", `w${lane}`, 1, name, "COUNT", left, "WAIT", 1000));
      const done = answer.jobs.map((job) => wire.call("JOB.DONE", name, fields(job).id, answer.lease, "RESULT", "r"));
      await Promise.all(done);
      left -= done.length;
    }
  });
  const { done } = fields(await wires[0].call("JOB.QUEUE", name));
  for (const wire of wires) wire.disconnect();
  check(done, told.done);
  return told.rate;
}

/** A map, which RESP2 writes as a list of names and values. */
function fields(list) {
  const map = {};
  for (let at = 0; at < list.length; at += 2) map[list[at]] = list[at + 1];
  return map;
}

function check(there, here) {
  if (Number(there) !== here) throw new Error(`${here} done here, and ${there} there`);
}

const median = (figures) => figures.sort((a, b) => a - b)[figures.length >> 1];
const shown = (figure) => Math.round(figure).toLocaleString("en-US").padStart(10);

for (const mode of modes) {
  const [own, other] = [[], []];
  for (let round = 0; round < rounds; round++) {
    own.push(await tidegate(mode));
    other.push(await bullmq(mode));
  }
  const [a, b] = [median(own), median(other)];
  console.log(mode.name);
  console.log(`  tidegate, synced                         ${shown(a)}/s`);
  console.log(`  bullmq on redis, appendfsync always      ${shown(b)}/s   ${(a / b).toFixed(2)}x`);
}
process.exit(0);
