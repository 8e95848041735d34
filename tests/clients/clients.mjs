// node-redis against a running server: `node clients.mjs CASE PORT RESP SKU`. Exits 0 if it holds.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import net from 'node:net';

const { createClient, createClientPool } = createRequire(`${process.env.CLIENTS_NODE}/`)('redis');

const [name, port, resp, sku] = process.argv.slice(2);
const options = { socket: { host: '127.0.0.1', port: Number(port) }, RESP: Number(resp) };

/** A reply's fields by name: RESP3 gives a map, RESP2 a flat array. */
function asMap(reply) {
  if (!Array.isArray(reply)) return { ...reply };
  assert.equal(reply.length % 2, 0);
  return Object.fromEntries(
    Array.from({ length: reply.length / 2 }, (_, at) => [reply[2 * at], reply[2 * at + 1]]),
  );
}

const words = (line) => line.split(' ');
const run = async (client, ...args) => asMap(await client.sendCommand(args.map(String)));
const figures = async (client) => {
  const { available, held, sold } = await run(client, 'STOCK.GET', sku);
  return [available, held, sold];
};

const cases = {
  async every_command(client) {
    assert.equal((await run(client, 'STOCK.SET', sku, 10)).version, 1);
    assert.equal((await run(client, 'STOCK.ADD', sku, 'more', 5)).total, 15);
    assert.equal((await run(client, 'STOCK.HOLD', sku, 'a', 4, 'BUYER', 'ann', 'MAX', 4)).available, 11);
    assert.equal((await run(client, 'STOCK.CONFIRM', sku, 'a')).state, 'confirmed');
    assert.equal((await run(client, 'STOCK.RETURN', sku, 'a', 'r', 'QTY', 1)).returnable, 3);
    assert.equal((await run(client, 'STOCK.HOLD', sku, 'b', 1)).state, 'held');
    assert.equal((await run(client, 'STOCK.RELEASE', sku, 'b')).state, 'released');
    assert.equal((await run(client, 'STOCK.HOLDINFO', sku, 'a')).buyer, 'ann');
    assert.equal((await run(client, 'STOCK.HOLDS', sku)).items.length, 2);
    assert.equal((await run(client, 'STOCK.FLOW', sku)).items.length, 7);
    assert.equal((await run(client, 'STOCK.LIST', 'PREFIX', sku)).next, null);
    assert.deepEqual(await figures(client), [12, 0, 3]);
  },

  async auto_pipelining(client) {
    await run(client, 'STOCK.SET', sku, 700);
    const holds = Array.from({ length: 1_000 }, (_, n) => run(client, 'STOCK.HOLD', sku, `h${n}`, 1));
    const ends = await Promise.allSettled(holds);
    ends.slice(0, 700).forEach(({ value }, n) => {
      assert.equal(value.id, `h${n}`);
      assert.equal(value.available, 699 - n);
    });
    for (const { reason } of ends.slice(700)) assert.equal(reason.message, 'SOLDOUT available=0');
    assert.deepEqual(await figures(client), [0, 700, 0]);
    const confirms = Array.from({ length: 700 }, (_, n) => run(client, 'STOCK.CONFIRM', sku, `h${n}`));
    await Promise.all(confirms);
    assert.deepEqual(await figures(client), [0, 0, 700]);
  },

  async errors_by_first_word(client) {
    await run(client, 'STOCK.SET', sku, 1);
    for (const [line, expected] of [
      [`STOCK.GET nowhere`, /^UNKNOWNSKU/],
      [`STOCK.HOLD ${sku} a 2`, /^SOLDOUT available=1$/],
      [`STOCK.HOLD ${sku} a 0`, /^INVALIDQUANTITY min=1 /],
      [`STOCK.CONFIRM ${sku} a`, /^HOLDNOTFOUND/],
      [`STOCK.HOLDS ${sku} STATE lost`, /^INVALID state /],
      [`STOCK.GET`, /^ERR wrong number of arguments for 'stock\.get' command$/],
      [`STOCK.NONE`, /^ERR unknown command 'STOCK\.NONE'/],
    ]) {
      await assert.rejects(client.sendCommand(words(line)), { message: expected }, line);
    }
    assert.equal(await client.ping(), 'PONG');
  },

  async any_text_in_ids(client) {
    await run(client, 'STOCK.SET', sku, 10);
    for (const id of ['a b', 'été', '漢字', '🎟️', '"\'\\', '$3', ' ']) {
      assert.equal((await run(client, 'STOCK.HOLD', sku, id, 1)).id, id);
      assert.equal((await run(client, 'STOCK.HOLDINFO', sku, id)).id, id);
    }
    const minted = await Promise.all([1, 2].map(() => run(client, 'STOCK.HOLD', sku, '*', 1)));
    assert.notEqual(minted[0].id, minted[1].id);
    for (const { id } of minted) assert.match(id, /^\d+$/, 'a string: 64 bits do not fit a number');
  },

  async typed_replies(client) {
    await run(client, 'STOCK.SET', sku, 1);
    const held = await client.sendCommand(['STOCK.HOLD', sku, 'a', '1']);
    assert.equal(Array.isArray(held), resp === '2');
    assert.equal(asMap(held).repeated, resp === '2' ? 0 : false);
  },

  async housekeeping(client) {
    assert.equal(await client.ping(), 'PONG');
    assert.equal(await client.echo('ü b'), 'ü b');
    assert.match(await client.info('server'), /redis_mode:standalone/);
    assert.ok((await client.commandCount()) >= 21);
    assert.equal(await client.clientSetName('till-4'), 'OK');
    assert.equal(await client.clientGetName(), 'till-4');
    assert.ok((await client.clientId()) > 0);
    assert.equal((await run(client, 'HELLO', resp)).server, 'tidegate');
  },

  async pool() {
    const pool = createClientPool(options, { minimum: 2, maximum: 4 });
    await pool.connect();
    await run(pool, 'STOCK.SET', sku, 50);
    const holds = Array.from({ length: 80 }, (_, n) => run(pool, 'STOCK.HOLD', sku, `h${n}`, 1));
    const sold = (await Promise.allSettled(holds)).filter(({ status }) => status === 'fulfilled');
    assert.equal(sold.length, 50);
    await pool.close();
  },

  /** The first connection is lost right after the request; the client makes another by itself. */
  async lost_connection() {
    let lost = 0;
    const proxy = net.createServer((near) => {
      const far = net.connect(Number(port), '127.0.0.1');
      let swallow = false;
      near.on('data', (bytes) => {
        swallow ||= lost === 0 && bytes.includes('STOCK.HOLD');
        far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (!swallow) return near.write(bytes);
        lost += 1;
        far.destroy();
        return near.destroy();
      });
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const socket = { host: '127.0.0.1', port: proxy.address().port };
    const client = createClient({ ...options, socket }).on('error', () => {});
    await client.connect();
    await run(client, 'STOCK.SET', sku, 10);
    // What was written and not answered, node-redis gives up: the caller asks again, by the id.
    await assert.rejects(run(client, 'STOCK.HOLD', sku, 'a', 3));
    const held = await run(client, 'STOCK.HOLD', sku, 'a', 3);
    assert.equal(Boolean(held.repeated), true);
    assert.equal(lost, 1);
    assert.deepEqual(await figures(client), [7, 3, 0]);
    client.destroy();
    proxy.close();
  },
};

const client = createClient(options).on('error', (error) => {
  throw error;
});
await client.connect();
await cases[name](client);
await client.close();
