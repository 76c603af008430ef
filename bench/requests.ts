// Writes files of complete, signed HTTP requests for wrk.lua: every message has an id of its own, and the same
// arguments always give the same bytes, so that all servers get the same requests.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** The secret that signs the requests; a server under test gets it as WEBHOOK_SECRET. */
export const secret = "bench-secret-f2c1d8a0b7e94c35";

/** A stretch of the endless list of messages; stretches that don't overlap share no message_id. */
export type Stretch = { first: number; count: number; to: string };

const senders = 10_000;
const secondsPerMessage = 0.35;
const firstInstantMs = Date.UTC(2025, 0, 15, 10);
const chunkBytes = 1 << 20;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const words = (
  "I will be there at six please bring the blue folder and tell Anna that her parcel has arrived thanks " +
  "for your order we ship it tomorrow morning could you call me back when you are free see you on Monday " +
  "the invoice is paid my new address is near the café at the corner déjà vu über naïve ok 👍 great 🎉 no worries"
).split(" ");

/** Writes the requests of one stretch to a file and waits until the disk has them, so that no write-back disturbs a run. */
export function writeRequests(path: string, stretch: Stretch): void {
  const file = openSync(path, "w");
  try {
    writeStretch(file, stretch);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeStretch(file: number, stretch: Stretch): void {
  const signer = new Bun.CryptoHasher("sha256", secret);
  const random = randomFrom(stretch.first);
  const chunk = Buffer.alloc(chunkBytes);
  let used = 0;
  for (let index = stretch.first; index < stretch.first + stretch.count; index++) {
    const request = signedRequest(messageBody(index, stretch.to, random), signer);
    const record = String(Buffer.byteLength(request)).padStart(5, "0") + request;
    if (used + record.length * 3 > chunkBytes) {
      writeSync(file, chunk, 0, used);
      used = 0;
    }
    used += chunk.write(record, used);
  }
  writeSync(file, chunk, 0, used);
}

function signedRequest(body: string, signer: Bun.CryptoHasher): string {
  return (
    "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
    `X-Signature: ${signer.copy().update(body).digest("hex")}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

function messageBody(index: number, to: string, random: () => number): string {
  return JSON.stringify({
    message_id: messageId(index, random),
    from: `+9198${76_500_000 + (random() % senders)}`,
    to,
    ts: instant(index),
    text: sentence(random),
  });
}

/** Random-looking like the ids of WhatsApp, and distinct: the last six characters are a bijection of the index. */
function messageId(index: number, random: () => number): string {
  return `wamid.HBgM${sixCharacters(random())}${sixCharacters(random())}${sixCharacters(random())}${sixCharacters(
    scrambled(index),
  )}`;
}

function sixCharacters(value: number): string {
  let characters = "";
  for (let shift = 0; shift < 36; shift += 6) {
    const digit = shift < 30 ? (value >>> shift) & 63 : value >>> 30;
    characters += alphabet[digit];
  }
  return characters;
}

function instant(index: number): string {
  const seconds = Math.floor(index * secondsPerMessage);
  return `${new Date(firstInstantMs + seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function sentence(random: () => number): string {
  const codeUnits = 50 + (random() % 60);
  let text = words[random() % words.length] ?? "";
  while (text.length < codeUnits) text += ` ${words[random() % words.length]}`;
  return text;
}

/** The finalizer of MurmurHash3: a bijection on 32 bits. */
function scrambled(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A counter through a bijection: as random as the load needs, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = scrambled(seed + 1);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return scrambled(state);
  };
}
