// A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
// nothing new: `node worker.mjs HOST PORT QUEUE`.

import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

const [host, port, queue] = process.argv.slice(2);
const client = createClient({ socket: { host, port: Number(port) }, RESP: 3 });
const run = (...args) => client.sendCommand(args.map(String));

async function work(job) {
  await sleep(20);
  console.log('done', job.payload);
}

async function doJob(job, lease) {
  try {
    await work(job);
  } catch (error) {
    await run('JOB.FAIL', queue, job.id, lease, 'ERROR', String(error).slice(0, 50));
    return;
  }
  await run('JOB.DONE', queue, job.id, lease);
}

let isEnding = false;
process.on('SIGTERM', () => {
  isEnding = true;
});
const member = `${os.hostname()}-${process.pid}`;
await client.connect();
while (!isEnding) {
  // Waits a second at most, so that it ends soon when it is told to.
  const { lease, jobs } = await run('JOB.TAKE', member, 1, queue, 'COUNT', 10, 'WAIT', 1000);
  for (const job of jobs) await doJob(job, lease);
}
await client.close();
