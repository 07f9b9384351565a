// The client against a running service: ANIMA_URL, ANIMA_API_KEY, and a username with ANIMA_PASSWORD name it and somebody.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Anima, NotFound, Unauthenticated } from "../dist/index.js";

const url = process.env.ANIMA_URL;
const key = process.env.ANIMA_API_KEY;
const skip = url === undefined || key === undefined ? "ANIMA_URL and ANIMA_API_KEY name no service" : false;
const anima = skip ? null : new Anima({ url, key, webSocket: WebSocket });

async function session() {
  const { data } = await anima.api.POST("/api/v1/avatars", { body: { name: `Luna ${crypto.randomUUID()}`, personality: "luna" } });
  return (await anima.createSession({ avatar_id: data.avatar_id })).session_id;
}

async function heard(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

test("a talk is held, rated and read again", { skip }, async () => {
  const id = await session();
  const answer = await anima.sendMessage(id, "Hello, I am Diego and I hate olives.");
  assert.equal(answer.session_id, id);
  assert.ok(answer.content.length > 0);
  assert.equal((await anima.giveFeedback(answer.response_id, 5, "kind")).rating, 5);
  assert.deepEqual((await heard(anima.listMessages(id))).map((one) => one.role), ["user", "assistant"]);
  assert.ok((await heard(anima.listSessions())).some((one) => one.session_id === id));
});

test("an answer is heard as it comes", { skip }, async () => {
  const stream = anima.streamMessage(await session(), "Count, please.");
  const events = await heard(stream);
  assert.equal(events[0].type, "started");
  assert.equal(events.at(-1).type, "done");
  assert.equal(stream.text, stream.answer.content);
});

test("an answer is stopped in the middle, and what was said is kept", { skip }, async () => {
  const id = await session();
  const stream = anima.streamMessage(id, "Tell me a long story.");
  for await (const _ of stream.words()) {
    if (stream.text.includes("word5")) stream.stop();
  }
  assert.ok(!stream.text.includes("word300"));
  for (let look = 0; look < 200; look++) {
    const said = (await heard(anima.listMessages(id))).filter((one) => one.role === "assistant");
    if (said.length > 0) return assert.ok(!said[0].content.includes("word300"));
    await new Promise((done) => setTimeout(done, 25));
  }
  assert.fail("nothing was kept");
});

test("what the avatar of a session remembers", { skip }, async () => {
  const id = await session();
  await anima.sendMessage(id, "The bakery behind the cathedral sells walnut bread.");
  assert.ok(Array.isArray(await anima.searchMemories(id, "Where is walnut bread sold?", 3)));
  assert.ok(Array.isArray(await anima.getFacts(id, "food")));
  assert.ok(Array.isArray(await anima.getEpisodes(id, 0)));
  assert.equal((await anima.getAffinity(id)).total_messages >= 0, true);
});

test("an avatar is taken along", { skip }, async () => {
  const file = await anima.exportSnapshot(await session());
  const taken = await anima.importSnapshot(file);
  assert.equal(taken.created, false);
  await assert.rejects(anima.importSnapshot(file, 999_999_999), /not of user 999999999/);
});

test("a talk over a WebSocket", { skip }, async () => {
  const id = await session();
  const talk = anima.converse({ session_id: id });
  const frames = await heard(talk.say("Are you there?"));
  const words = frames.filter((frame) => frame.type === "token").map((frame) => frame.text);
  assert.equal(frames.at(-1).type, "avatar_response");
  assert.equal(words.join(""), frames.at(-1).content);
  assert.ok((await talk.state()).mood);
  talk.close();
});

test("somebody who is signed in is renewed", { skip: skip || !process.env.ANIMA_PASSWORD }, async () => {
  const kept = [];
  const { ANIMA_USERNAME: username, ANIMA_PASSWORD: password } = process.env;
  const signedIn = new Anima({ url, username, password, onTokens: (tokens) => kept.push(tokens) });
  await Promise.all([heard(signedIn.listSessions()), heard(signedIn.listSessions())]);
  assert.equal(kept.length, 1);
  const tokens = { ...kept[0], access_token: "of yesterday" };
  const again = new Anima({ url, tokens, onTokens: (renewed) => kept.push(renewed) });
  await heard(again.listSessions());
  assert.equal(kept.length, 2);
});

test("what is nobody's, and a wrong key, are told by their type", { skip }, async () => {
  await assert.rejects(anima.getAffinity(2 ** 40), (error) => error instanceof NotFound && error.problem.request_id !== "");
  await assert.rejects(new Anima({ url, key: "anima_wrong" }).createSession(), (error) => error instanceof Unauthenticated);
});
