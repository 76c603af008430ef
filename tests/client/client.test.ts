/**
 * The OpenAPI document is one that clients can be made from: it breaks no rule of Redocly's, and
 * programs compile against the types that `openapi-typescript` makes of it, and run.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { postern } from "../cli/postern.ts";
import { type Folder, newFolder } from "../folder.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";

const ROOT = resolve(import.meta.dir, "../..");
const TOOLS = join(import.meta.dir, "node_modules");
const PROGRAMS = join(import.meta.dir, "programs");
/** What is installed decides, and nobody is told that it was run. */
const OFFLINE = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

let service: TestService;
let folder: Folder;
let documentPath: string;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  folder = newFolder();
  documentPath = join(folder.path, "openapi.json");
  await Bun.write(documentPath, (await postern(["openapi"])).stdout);
  const generator = join(TOOLS, "openapi-typescript/bin/cli.js");
  const made = await run(generator, documentPath, "--output", join(folder.path, "api.ts"));
  expect(made.code, made.output).toBe(0);
});
afterAll(async () => {
  folder.remove();
  await service.stop();
});

/** A script of JavaScript or TypeScript, to its end. */
async function run(...command: readonly string[]): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: folder.path,
    env: { ...process.env, ...OFFLINE },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: output + errors };
}

/** The programs stand where `rootDirs` says that the made `api.ts` is beside them. */
async function compile(compiler: string): Promise<{ code: number; output: string }> {
  const settings = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      incremental: false,
      tsBuildInfoFile: null,
      rootDirs: [PROGRAMS, folder.path],
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    include: [PROGRAMS],
    exclude: [],
  };
  await Bun.write(join(folder.path, "tsconfig.json"), JSON.stringify(settings));
  return run(compiler, "--project", folder.path, "--pretty", "false");
}

test("the document that `postern openapi` prints is the one that the service has", async () => {
  expect(await Bun.file(documentPath).json()).toEqual(await (await service.get("/openapi.json")).json());
});

test("the document breaks no recommended rule of Redocly's, not even one that only warns", async () => {
  const linter = join(ROOT, "node_modules/@redocly/cli/bin/cli.js");
  const { code, output } = await run(linter, "lint", "--extends=recommended-strict", documentPath);
  expect(code, output).toBe(0);
});

test.each([
  ["that this project is compiled by", join(ROOT, "node_modules/typescript/bin/tsc")],
  ["that the client's maker uses", join(TOOLS, "typescript/bin/tsc")],
])(
  "programs compile strictly against the client, and mistakes don't: by the TypeScript %s",
  async (_, compiler) => {
    const { code, output } = await compile(compiler);
    expect({ code, output }).toEqual({ code: 0, output: "" });
  },
);

test("a program with the client walks pages, reads a message and its events, and is told why it is refused", async () => {
  for (const id of ["m1", "m2", "m3"]) expect((await service.post(message(id))).status).toBe(200);
  await service.send("/webhook/wa", metaPost([text("1")], [status("1", "delivered")]));
  const { code, output } = await run(join(PROGRAMS, "read.ts"), service.url);
  expect(code, output).toBe(0);
  expect(JSON.parse(output)).toEqual({
    walked: ["m3", "m2", "m1", "wa:1"],
    skipped: ["Hello"],
    total: "4",
    delivered: ["status of wa:1 at 2023-11-14T22:13:21Z"],
    missing: null,
    listed: ["status of wa:1 at 2023-11-14T22:13:21Z"],
    refusal: "query.limit: Input should be from 1 to 100",
    senders: ["+919876543210: 3", "+14155550123: 1"],
  });
});

test("a program with the client takes what a consumer has before it, and is told when a position is lost", async () => {
  const { code, output } = await run(join(PROGRAMS, "follow.ts"), service.url);
  expect(code, output).toBe(0);
  expect(JSON.parse(output)).toEqual({
    ...{ kinds: ["message", "status"], before: 5, lag_records: 0, deleted: 204, end: 0, lost: true },
    handled: [
      "message m1 Hello",
      "message m2 Hello",
      "message m3 Hello",
      "message wa:1 text of 1",
      "status wa:1",
    ],
  });
});
