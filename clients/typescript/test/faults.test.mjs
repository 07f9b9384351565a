// The client against a service that fails: limits, cut lines, errors of servers, nonsense.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, beforeEach, test } from "node:test";

import { Anima, BadInput, BudgetExceeded, ConnectionFailed, ServerFailed, StreamCut } from "../dist/index.js";

const SESSION = { session_id: 7, avatar_id: null, title: null, private: false, started_at: "2026-11-22T01:00:00Z" };
const STARTED = 'event: started\ndata: {"session_id": 7, "message_id": 8, "request_id": 9}\n\n';
const TOKEN = 'event: token\r\ndata: {"index": 0,\r\ndata: "text": "Hé"}\r\n\r\n';

let script = [];
let asked = [];
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    asked.push(request);
    const { status = 200, body = SESSION, headers = {}, cut = false, silent = false } = script.shift() ?? {};
    if (silent) return;
    const content = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, headers);
    if (!cut) return response.end(content);
    response.write(content);
    setTimeout(() => response.destroy(), 20);
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}`;
const retries = { attempts: 3, first: 0.001, most: 0.002 };
const anima = new Anima({ url, key: "a-key", retries });

beforeEach(() => {
  script = [];
  asked = [];
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function problem(status, slug, headers = {}) {
  const told = { type: `https://anima.dev/problems/${slug}`, title: slug, status, detail: `It is ${slug}.` };
  return { status, body: { ...told, request_id: "r-1", errors: [{ path: "name", message: "wrong" }] }, headers };
}

test("what passes is asked again, under one key", async () => {
  script = [problem(503, "unavailable"), { status: 502, body: "<html>" }];
  assert.equal((await anima.createSession()).session_id, 7);
  const keys = asked.map((one) => one.headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 1);
  assert.ok(keys[0]);
  await anima.createSession();
  assert.notEqual(asked[3].headers["idempotency-key"], keys[0]);
});

test("what does not pass is told after the last attempt", async () => {
  script = [problem(500, "internal"), problem(500, "internal"), problem(500, "internal")];
  await assert.rejects(anima.createSession(), (error) => error instanceof ServerFailed && error.slug === "internal");
  assert.equal(asked.length, 3);
});

test("what is wrong is told by field, once", async () => {
  script = [problem(422, "bad-input")];
  await assert.rejects(anima.createSession(), (error) => {
    assert.ok(error instanceof BadInput);
    assert.deepEqual(error.problem.errors, [{ path: "name", message: "wrong" }]);
    return true;
  });
  assert.equal(asked.length, 1);
});

test("a used-up budget and a long wait are told at once", async () => {
  script = [problem(429, "budget-exceeded", { "Retry-After": "1" })];
  await assert.rejects(anima.sendMessage(7, "Hello"), (error) => error instanceof BudgetExceeded && error.retryAfter === 1);
  script = [problem(429, "too-many-requests", { "Retry-After": "600" })];
  await assert.rejects(anima.sendMessage(7, "Hello"), { name: "RateLimited" });
  assert.equal(asked.length, 2);
});

test("a stream that ends too early says what was heard", async () => {
  for (const cut of [true, false]) {
    script = [{ body: STARTED + TOKEN, headers: { "Content-Type": "text/event-stream" }, cut }];
    const stream = anima.streamMessage(7, "Hello?");
    await assert.rejects(stream.finish(), (error) => error instanceof StreamCut && error.text === "Hé");
    assert.equal(stream.started.request_id, 9);
  }
});

test("an error within a stream is the error that it would have been", async () => {
  const told = problem(503, "no-model-answered").body;
  script = [{ body: `${STARTED}event: error\ndata: ${JSON.stringify(told)}\n\n` }];
  await assert.rejects(anima.streamMessage(7, "Hello?").finish(), { slug: "no-model-answered" });
});

test("a service that says nothing is asked again, and then given up", async () => {
  const impatient = new Anima({ url, key: "k", retries: { attempts: 2, first: 0.001 }, timeout: 0.1 });
  script = [{ silent: true }];
  assert.equal((await impatient.createSession()).session_id, 7);
  script = [{ silent: true }, { silent: true }];
  await assert.rejects(impatient.createSession(), (error) => error instanceof ConnectionFailed);
  assert.equal(asked.length, 4);
});

test("nobody there is told", async () => {
  const nobody = new Anima({ url: "http://127.0.0.1:9", key: "k", retries });
  await assert.rejects(nobody.createSession(), (error) => error instanceof ConnectionFailed);
  assert.throws(() => new Anima({ url }), /there is no key/);
});
