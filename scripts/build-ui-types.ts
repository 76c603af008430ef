/**
 * Makes `src/ui/api-types.d.ts`, by which the dashboard is compiled, from the OpenAPI document:
 * `bun scripts/build-ui-types.ts`.
 */
import { join, resolve } from "node:path";
import { spawnSync, write } from "bun";
import { describeService } from "../src/serve.ts";

const ROOT = resolve(import.meta.dir, "..");
const OUT = join(ROOT, "src/ui/api-types.d.ts");
const GENERATOR = join(ROOT, "tests/client/node_modules/openapi-typescript/bin/cli.js");

const { exitCode, stdout, stderr } = spawnSync([process.execPath, GENERATOR], {
  cwd: ROOT,
  stdin: Buffer.from(JSON.stringify(describeService())),
});
if (exitCode !== 0) throw new Error(stderr.toString());
await write(OUT, stdout);
