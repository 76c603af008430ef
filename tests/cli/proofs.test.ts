/** What the commands say of sources that nobody but the sender can sign for, and of networks. */
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { postern } from "./postern.ts";

const folder = newFolder();
afterAll(() => folder.remove());
const config = join(folder.path, "postern.yaml");
writeFileSync(
  config,
  `sources:
  discord:
    kind: generic
    secret: d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
    scheme: { header: X-Sig, algorithm: ed25519, encoding: hex, timestamp_header: X-Time, signed: "{timestamp}{body}" }
  key: { kind: generic, secret: hunter2, scheme: { query: key, algorithm: token } }
  near: { kind: generic, scheme: { algorithm: none }, allow_from: [203.0.113.0/24] }
`,
);
const MESSAGE = ["--from", "+919876543210", "--to", "+14155550100", "--text", "x"];
const send = (source: string) =>
  postern(["send", "--config", config, "--source", source, "--dry-run", ...MESSAGE]);

test("send says that only the sender can sign for a public key, and shows no secret of a URL", async () => {
  const refused = await send("discord");
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toMatch(/only the sender, who has the private one, can sign/);
  const hidden = await send("key");
  expect([hidden.code, hidden.stdout]).toEqual([1, ""]);
  expect(hidden.stderr).toMatch(/would show the secret: the query parameter key holds it/);
  expect(hidden.stderr).not.toContain("hunter2");
});

test("verify takes the address from which a request came, and says when it would need it", async () => {
  const request = 'POST /webhook/near HTTP/1.1\nContent-Type: application/json\n\n{"a":1}';
  const verify = (...more: string[]) =>
    postern(["verify", "--config", config, "--source", "near", ...more, "-"], {
      stdin: Buffer.from(request),
    });
  const untold = await verify();
  expect([untold.code, untold.stdout]).toEqual([
    0,
    expect.stringMatching(/note .*allow_from wasn't looked at/),
  ]);
  expect(await verify("--client", "203.0.113.7")).toMatchObject({ code: 0 });
  const far = await verify("--client", "198.51.100.1");
  expect([far.code, far.stdout]).toEqual([
    1,
    expect.stringMatching(/^refused .*198\.51\.100\.1.*allow_from/),
  ]);
  expect(await verify("--client", "here")).toMatchObject({ code: 2 });
});
