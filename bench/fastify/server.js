// The second yardstick: the way of a native message on Fastify and better-sqlite3, as a Node developer would write it
// and tuned as well as it honestly can be. It commits each message by itself and answers only after the sync.

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import Fastify from "fastify";
import { register } from "prom-client";
import { formats, messageSchema, rowOf } from "./message.js";
import { flushLog, observe } from "./observe.js";
import { openStore, SqliteError } from "./store.js";

const secret = process.env.WEBHOOK_SECRET;
const bodyLimit = 4 * 1024 * 1024;
const signaturePattern = /^[0-9a-f]{64}$/;
const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Refusal extends Error {
  constructor(statusCode, result, detail) {
    super(`${statusCode} ${result}`);
    Object.assign(this, { statusCode, result, detail });
  }
}

const store = openStore(process.env.DATABASE_URL.replace("sqlite:///", ""));
const app = Fastify({
  bodyLimit,
  logger: false,
  genReqId({ headers }) {
    const given = headers["x-request-id"] ?? "";
    return requestIdPattern.test(given) ? given : randomUUID();
  },
  ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false, formats } },
});

// The signature is that of the bytes as they came.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.decorateRequest("notes", null);
app.addHook("onRequest", (request, reply, done) => {
  reply.header("x-request-id", request.id);
  done();
});
app.addHook("onResponse", observe);

function verifyAndParse(request, _reply, done) {
  const body = request.body ?? Buffer.alloc(0);
  if (!signatureHolds(request.headers["x-signature"] ?? "", body))
    return done(new Refusal(401, "invalid_signature", "invalid signature"));
  try {
    request.body = JSON.parse(decoder.decode(body));
  } catch {
    const problem = { type: "json_invalid", loc: ["body"], msg: "must be one JSON value in UTF-8" };
    return done(new Refusal(422, "validation_error", [problem]));
  }
  done();
}

function signatureHolds(signature, body) {
  if (!signaturePattern.test(signature)) return false;
  return timingSafeEqual(createHmac("sha256", secret).update(body).digest(), Buffer.from(signature, "hex"));
}

app.post("/webhook", { schema: { body: messageSchema }, preValidation: verifyAndParse }, (request, reply) => {
  const { message_id } = request.body;
  const outcome = store.append(rowOf(request.body));
  const result = outcome === "created" ? "ok" : "duplicate";
  request.notes = { result, source: "native", message_id, duplicate: outcome !== "created" };
  if (outcome === "differing") Object.assign(request.notes, { level: "warn", differs: true });
  reply.header("postern-result", result).type("application/json").send('{"status":"ok"}');
});

app.setErrorHandler((error, request, reply) => {
  const { statusCode, result, detail } = refusalOf(error);
  if (statusCode === 503) reply.header("retry-after", "1");
  if (request.routeOptions.url === "/webhook") {
    request.notes = { result, source: "native", duplicate: false, level: "error" };
    reply.header("postern-result", result);
  }
  reply.status(statusCode).send({ detail });
});

function refusalOf(error) {
  if (error instanceof Refusal) return error;
  if (error instanceof SqliteError) return new Refusal(503, "error", "the store can't write");
  if (error.statusCode === 413) return new Refusal(413, "validation_error", "body too large");
  if (error.validation === undefined) return new Refusal(500, "error", "internal error");
  const problems = error.validation.map(({ keyword, instancePath, message }) => ({
    type: keyword,
    loc: ["body", ...instancePath.split("/").slice(1)],
    msg: message,
  }));
  return new Refusal(422, "validation_error", problems);
}

app.get("/health/live", () => ({ status: "alive" }));
app.get("/health/ready", () => {
  store.probe();
  return { status: "ready" };
});
app.get("/metrics", async (_request, reply) => {
  reply.type(register.contentType);
  return register.metrics();
});

process.once("SIGTERM", async () => {
  await app.close();
  store.close();
  flushLog();
});

await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
