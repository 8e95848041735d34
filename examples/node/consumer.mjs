// A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
// leased, and takes nothing new: `node consumer.mjs HOST PORT TOPIC GROUP`.

import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

const [host, port, topic, group] = process.argv.slice(2);
const client = createClient({ socket: { host, port: Number(port) }, RESP: 3 });
const run = (...args) => client.sendCommand(args.map(String));

async function work(message) {
  await sleep(20);
  console.log('done', message.payload);
}

/** Acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a rest. */
async function settle(lease, messages) {
  const done = [];
  const failed = new Set();
  for (const message of messages) {
    if (failed.has(message.key)) continue; // It went back with the one before it.
    try {
      await work(message);
      done.push(message.position);
    } catch (error) {
      const cause = String(error).slice(0, 50);
      await run('TOPIC.NACK', topic, group, lease, 'POSITIONS', 1, message.position, 'CAUSE', cause);
      if (message.key !== null) failed.add(message.key);
    }
  }
  if (done.length > 0) await run('TOPIC.ACK', topic, group, lease, 'POSITIONS', done.length, ...done);
}

let isEnding = false;
process.on('SIGTERM', () => {
  isEnding = true;
});
const member = `${os.hostname()}-${process.pid}`;
await client.connect();
while (!isEnding) {
  // Waits a second at most, so that it ends soon when it is told to.
  const { lease, messages } = await run('TOPIC.READ', topic, group, member, 'COUNT', 10, 'WAIT', 1000);
  if (lease) await settle(lease, messages);
}
await client.close();
