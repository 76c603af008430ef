import { expect, test } from "bun:test";
import { type ConfigFile, parseConfigFile } from "../config-file/config-file.ts";
import { StartRefused } from "../core/errors.ts";
import type { ProviderSource } from "../core/source.ts";
import type { Service } from "../serve.ts";
import { configReloader } from "./config-reloader.ts";

const PATH = "postern.yaml";
const BY = { how: "SIGHUP" } as const;
const ASKED = { level: "info", message: "reload asked for", fields: BY };
const file = (...names: string[]): ConfigFile =>
  parseConfigFile(
    `sources: { ${names.map((name) => `${name}: { kind: slack, secret: x }`).join(", ")} }`,
    PATH,
    {},
  );

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: unknown;
}

/** A service that is told its configuration and takes a turn of the event loop for each step. */
function recording(replace: (sources: readonly ProviderSource[]) => Promise<void>) {
  const lines: Line[] = [];
  const write = (level: string) => (message: string, fields?: unknown) => {
    lines.push({ level, message, fields });
  };
  const log = { info: write("info"), warn: write("warn"), error: write("error") };
  const replaceConfiguration: Service["replaceConfiguration"] = ({ sources }) => replace(sources);
  return { lines, service: Promise.resolve({ replaceConfiguration, log }) };
}

test("reloads come one after the other, each with the file as it is by then", async () => {
  const steps: string[] = [];
  let files = 0;
  const { service } = recording(async (sources) => {
    steps.push(`begin ${sources[0]?.name}`);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    steps.push(`end ${sources[0]?.name}`);
  });
  const reload = configReloader({ path: PATH, load: () => file(`s${files++}`), service });
  const one = { sources: 1, destinations: 0 };
  expect(await Promise.all([reload(BY), reload(BY), reload(BY)])).toEqual([one, one, one]);
  expect(steps).toEqual(["begin s0", "end s0", "begin s1", "end s1", "begin s2", "end s2"]);
});

test("asked before the service has started, it waits for it", async () => {
  const started = Promise.withResolvers<Awaited<ReturnType<typeof recording>["service"]>>();
  const served: number[] = [];
  const reload = configReloader({ path: PATH, load: () => file("a", "b"), service: started.promise });
  const reloading = reload(BY);
  const { service } = recording(async (sources) => void served.push(sources.length));
  started.resolve(await service);
  expect(await reloading).toEqual({ sources: 2, destinations: 0 });
  expect(served).toEqual([2]);
});

test("what the service refuses is a mistake of the file, and the next reload is tried all the same", async () => {
  let tries = 0;
  const { service, lines } = recording(async () => {
    if (tries++ === 0) throw new StartRefused("the name a is taken");
  });
  const reload = configReloader({ path: PATH, load: () => file("a"), service });
  const mistakes = [{ line: 1, column: 1, message: "the name a is taken" }];
  expect(await Promise.all([reload(BY), reload(BY)])).toEqual([
    { mistakes },
    { sources: 1, destinations: 0 },
  ]);
  expect(lines).toEqual([
    ASKED,
    {
      level: "error",
      message: "configuration not reloaded",
      fields: { mistakes: 1, first: "postern.yaml:1:1: the name a is taken" },
    },
    ASKED,
    { level: "info", message: "configuration reloaded", fields: { sources: 1, destinations: 0 } },
  ]);
});

test("a failure that is nobody's mistake is logged and thrown, and the next reload is tried all the same", async () => {
  let tries = 0;
  const { service, lines } = recording(async () => {
    if (tries++ === 0) throw new Error("the disk is gone");
  });
  const reload = configReloader({ path: PATH, load: () => file("a"), service });
  const [first, second] = await Promise.allSettled([reload(BY), reload(BY)]);
  expect([first?.status, second?.status]).toEqual(["rejected", "fulfilled"]);
  expect(lines[1]).toEqual({
    level: "error",
    message: "configuration not reloaded",
    fields: { reason: "Error: the disk is gone" },
  });
});

test("what is hardly ever meant is a line of its own, after what was reloaded", async () => {
  const { service, lines } = recording(async () => undefined);
  const destination = "{ url: http://example.org, secret: hunter2hunter2hunter2 }";
  const load = () => parseConfigFile(`destinations:\n  app: ${destination}\n`, PATH, {});
  expect(await configReloader({ path: PATH, load, service })(BY)).toEqual({ sources: 0, destinations: 1 });
  expect(lines.slice(1)).toEqual([
    { level: "info", message: "configuration reloaded", fields: { sources: 0, destinations: 1 } },
    {
      level: "warn",
      message: "configuration warning",
      fields: { warning: expect.stringMatching(/^postern\.yaml:2:15: destinations\.app\.url is http: /) },
    },
  ]);
});
