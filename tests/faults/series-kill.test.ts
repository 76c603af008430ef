/** Numbers over time over kills: whatever is killed when, each record counts once. */
import { expect, test } from "bun:test";
import { until } from "../until.ts";
import { databaseOfEachTest, Load, post, startPostern } from "./postern-process.ts";

const database = databaseOfEachTest();

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 4);
const SENDERS = 16;

interface Answer {
  readonly behind: number;
  readonly series: readonly { readonly source: string; readonly counts: readonly number[] }[];
}

async function totalOf(url: string, query: string): Promise<number> {
  const { series } = await until("the numbers have come to the end", async () => {
    const answer = (await (await fetch(`${url}/stats/series?${query}`)).json()) as Answer;
    return answer.behind === 0 && answer;
  });
  return series.flatMap(({ counts }) => counts).reduce((total, rows) => total + rows, 0);
}

test(`after ${ROUNDS} kills under load the numbers over time have each record once`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const postern = await startPostern({ database: database().url });
    const load = new Load(postern.url, `r${round}`, SENDERS);
    // Some within the first second, and some around a later write.
    await until("acknowledgements", () => load.acknowledged.size > 40 + 700 * (round % 3));
    postern.kill("SIGKILL");
    await postern.exited;
    await load.stop();
  }
  const postern = await startPostern({ database: database().url });
  const { total_messages: stored } = (await (await fetch(`${postern.url}/stats`)).json()) as {
    total_messages: number;
  };
  expect(stored).toBeGreaterThan(0);
  for (const step of ["minute", "hour", "day"])
    expect([step, await totalOf(postern.url, `step=${step}`)]).toEqual([step, stored]);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
}, 300_000);

test("what became of requests is there to the last one behind a proper stop", async () => {
  const REQUESTS = 30;
  let url = "";
  for (let run = 0; run < 2; run++) {
    const postern = await startPostern({ database: database().url });
    url = postern.url;
    for (let number = 0; number < REQUESTS; number++) await post(url, `m${number}`);
    postern.kill("SIGTERM");
    expect(await postern.exited).toBe(0);
  }
  const postern = await startPostern({ database: database().url });
  expect(await totalOf(postern.url, "of=requests&step=day")).toBe(2 * REQUESTS);
  expect(await totalOf(postern.url, "step=day")).toBe(REQUESTS);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
}, 120_000);
