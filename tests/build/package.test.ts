/**
 * The npm package: what is in it, and that it runs from what it says it depends on. It is packed
 * from a copy, because packing makes files.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { newServer, postern, ROOT } from "../cli/postern.ts";
import { newFolder } from "../folder.ts";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

/** Much larger, and something has come in that nobody who installs it wants. */
const BYTES_MAX = 2_000_000;
/** What is made anew may change while it is copied. */
const LEFT_OUT = /^(\.git|node_modules|data|dist)$|\/node_modules$|bundle\.txt/;

const folder = newFolder();
const copy = join(folder.path, "copy");
/** Where it is installed, beside what it depends on. */
const modules = join(folder.path, "app/node_modules");
let packed: Packed;

async function run(command: readonly string[], cwd: string) {
  return postern([], {
    command,
    cwd,
    env: { npm_config_update_notifier: "false", npm_config_offline: "true" },
  });
}

beforeAll(async () => {
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !LEFT_OUT.test(relative(ROOT, path)) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  expect((await run(["npm", "run", "prepack"], copy)).code).toBe(0);
  const pack = ["npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder.path];
  [packed] = JSON.parse((await run(pack, copy)).stdout) as [Packed];
  mkdirSync(join(modules, "postern"), { recursive: true });
  await run(
    ["tar", "-xzf", packed.filename, "--strip-components=1", "-C", join(modules, "postern")],
    folder.path,
  );
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile;
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    const name = path.replace(/^node_modules\//, "");
    if (path === "" || dev || devOptional || name.includes("node_modules/") || !existsSync(join(ROOT, path)))
      continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, path), join(modules, name));
  }
}, 120_000);
afterAll(() => folder.remove());

test("the package holds the program, its dashboard, its documentation and what it is set up with, and no test", () => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of [
    ...["LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "package.json", "bunfig.toml"],
    ...["postern.example.yaml", "postern.schema.json", "bin/postern.js", "src/main.ts"],
    ...["src/features/dashboard/bundle.txt", "docs/operations.md", "docs/images/messages-light.png"],
    ...["deploy/nginx.conf", "deploy/systemd/postern.service"],
  ])
    expect(paths).toContain(path);
  const others = /(^|\/)(tests|bench|scripts|src\/ui|node_modules)\/|\.test\.tsx?$|(^|\/)\.(env|git)/;
  expect(paths.filter((path) => others.test(path))).toEqual([]);
  expect(packed.size).toBeLessThan(BYTES_MAX);
});

test.each(["node", process.execPath])(
  "from the package alone %s serves, with its dashboard",
  async (runtime) => {
    const command = [runtime, join(modules, "postern/bin/postern.js")];
    const server = await newServer({ command, cwd: folder.path });
    const dashboard = await (await fetch(`${server.url}/ui/`)).text();
    expect((await fetch(`${server.url}/ui/${/src="(main-[^"]+)"/.exec(dashboard)?.[1]}`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
  },
);

test("nothing is published before the addresses of the repository are set", async () => {
  const publish = () => run(["npm", "run", "--silent", "prepublishOnly"], join(modules, "postern"));
  expect(await publish()).toMatchObject({ code: 1, stderr: expect.stringContaining("CONTRIBUTING.md") });
  const path = join(modules, "postern/package.json");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("postern.example/", "git.example.org/"));
  expect((await publish()).code).toBe(0);
});
