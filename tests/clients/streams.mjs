// node-redis on streams, here and against a real Redis: `node streams.mjs PORT PORT_OF_REDIS RESP KEY`. Exits 0 if both
// answer the same.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const { createClient } = createRequire(`${process.env.CLIENTS_NODE}/`)('redis');

const [port, portOfRedis, resp, key] = process.argv.slice(2);

/** What each call answers: a producer, workers one of which is dead, and one that takes over what that had. */
async function seen(port) {
  const client = createClient({ socket: { host: '127.0.0.1', port: Number(port) }, RESP: Number(resp) });
  await client.connect();
  const told = [];
  const run = async (name, ...args) => {
    let answer;
    try {
      answer = await client[name](key, ...args);
    } catch (error) {
      answer = error.message;
    }
    told.push([name, args, answer]);
    return answer;
  };
  const read = async (method, ...args) => told.push([method, args, await client[method](...args)]);

  for (let n = 1; n <= 9; n += 1) await run('xAdd', `${n}-0`, { n: String(n), text: 'é' });
  await run('xAdd', '9-0', { n: '9' });
  await run('xLen');
  await run('xRange', '-', '+', { COUNT: 3 });
  await run('xRevRange', '+', '(3-0');
  await run('xGroupCreate', 'g', '0');
  await run('xGroupCreate', 'g', '0');
  await read('xRead', { key, id: '7-0' }, { COUNT: 5, BLOCK: 5 });
  await read('xReadGroup', 'g', 'dead', { key, id: '>' }, { COUNT: 4 });
  await read('xReadGroup', 'g', 'alive', { key, id: '>' }, { COUNT: 3 });
  await run('xPending', 'g');
  await run('xAck', 'g', ['5-0', '6-0']);
  await run('xClaim', 'g', 'alive', 0, ['1-0', '2-0']);
  await run('xClaimJustId', 'g', 'alive', 0, '3-0');
  await run('xAutoClaim', 'g', 'alive', 0, '0-0', { COUNT: 2 });
  await run('xAutoClaimJustId', 'g', 'alive', 0, '3-0');
  await run('xDel', ['2-0', '3-0']);
  await run('xTrim', 'MAXLEN', 4);
  await run('xAutoClaim', 'g', 'other', 0, '0-0');
  await read('xReadGroup', 'g', 'other', { key, id: '0' });
  await run('xRange', '-', '+');
  await run('xGroupDelConsumer', 'g', 'other');
  await run('xPending', 'g');
  const [group] = await client.xInfoGroups(key);
  told.push(['xInfoGroups', [], [group.name, group.consumers, group.pending, group['last-delivered-id']]]);
  await run('xGroupDestroy', 'g');
  await client.close();
  return told;
}

const [here, there] = await Promise.all([seen(port), seen(portOfRedis)]);
for (const [at, [name, args, answer]] of here.entries()) {
  assert.deepEqual(answer, there[at][2], `${name} ${args}`);
}
