/**
 * A program as a user would write it with a client of the OpenAPI document: a worker that takes
 * what a consumer has before it, and acknowledges it. Nothing imports it: `client.test.ts` compiles
 * and runs it.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type LogRecord = components["schemas"]["Record"];
type Consumer = components["schemas"]["Consumer"];

const [baseUrl = "http://127.0.0.1:8000"] = process.argv.slice(2);
const postern = createClient<paths>({ baseUrl });
const name = "client";
const params = { path: { name } };

function given<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const inOneLine = ({ kind, message_id, text }: LogRecord) =>
  `${kind} ${message_id ?? ""} ${text ?? ""}`.trim();

const made: Consumer = given(
  await postern.PUT("/consumers/{name}", { params, body: { start: "start", kinds: ["message", "status"] } }),
);
const handled: string[] = [];
for (let more = true; more; ) {
  const query = { limit: 2, wait: 0 };
  const page = given(await postern.GET("/consumers/{name}/next", { params: { ...params, query } }));
  handled.push(...page.data.map(inOneLine));
  await postern.POST("/consumers/{name}/ack", { params, body: { position: page.next } });
  more = page.more;
}
const { lag_records } = given(await postern.GET("/consumers/{name}", { params }));
const { response } = await postern.DELETE("/consumers/{name}", { params });
const log = given(await postern.GET("/log", { params: { query: { after: "now", kinds: "all" } } }));
const lost = await postern.GET("/log", { params: { query: { after: "another.1" } } });

process.stdout.write(
  JSON.stringify({
    ...{ kinds: made.kinds, before: made.lag_records, handled, lag_records },
    ...{
      deleted: response.status,
      end: log.data.length,
      lost: lost.error !== undefined && "start" in lost.error,
    },
  }),
);
