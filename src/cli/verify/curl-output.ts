/**
 * Requests in what curl tells of them: `--verbose`, which shows heads alone, and `--trace`, which
 * shows every byte.
 */
import { UsageError } from "../errors.ts";

/** What `--trace-time` and `--trace-ids` put before each. */
const TOLD = "(?:[0-9:]{8}\\.[0-9]+ )?(?:\\[[0-9]+-[0-9x]+\\] )?";
/** What a progress meter leaves before it on the same line: a stretch for each second. */
const METER = /^[\s\S]*\r[\d .:kMGTP-]*(?=[*<>{}] ?)/;
const SENT_LINE = new RegExp(`^${TOLD}> ?(.*)$`);
const REQUEST = /^[A-Z]+ \S+ HTTP\/[0-9.]+$/;
const TRACED = new RegExp(`^${TOLD}(=>|<=|==) (?:Send (header|data), |\\S)`);
const TRACED_BYTES = /^[0-9a-f]{4,}: ((?:[0-9a-f]{2} ){1,16})/;

interface CurlRequest {
  /** As it was sent; without its body where `isHead`. */
  readonly bytes: Uint8Array;
  readonly isHead: boolean;
}

/** Requests to a proxy for a tunnel are left out. Undefined when it isn't from curl. */
export function curlRequests(file: Uint8Array): readonly CurlRequest[] | undefined {
  const lines = Buffer.from(file)
    .toString("latin1")
    .split("\n")
    .map((line) => line.replace(/\r$/, "").replace(METER, ""));
  const first = lines.find((line) => line !== "") ?? "";
  if (/^[A-Z]+ \S+(?: HTTP\/\S+)?$/.test(first)) return undefined;
  const found = lines.some((line) => TRACED.exec(line)?.[2] === "header")
    ? tracedRequests(lines).map((bytes) => ({ bytes, isHead: false }))
    : verboseHeads(lines).map((bytes) => ({ bytes, isHead: true }));
  return found.length === 0 ? undefined : found.filter(({ bytes }) => !isTunnel(bytes));
}

function verboseHeads(lines: readonly string[]): Buffer[] {
  const heads: string[][] = [];
  let isOpen = false;
  for (const line of lines) {
    const [, sent] = SENT_LINE.exec(line) ?? [];
    if (sent === undefined) continue;
    if (!isOpen && REQUEST.test(sent)) {
      heads.push([]);
      isOpen = true;
    }
    if (isOpen && sent !== "") heads.at(-1)?.push(sent);
    isOpen &&= sent !== "";
  }
  return heads.map((head) => Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"));
}

function tracedRequests(lines: readonly string[]): Buffer[] {
  const requests: Buffer[][] = [];
  let isSent = false;
  for (const line of lines) {
    const [told, way, part] = TRACED.exec(line) ?? [];
    if (told !== undefined) {
      isSent = way === "=>" && part !== undefined;
      if (part === "header") requests.push([]);
      continue;
    }
    if (!isSent || line === "") continue;
    const [, digits] = TRACED_BYTES.exec(line) ?? [];
    if (digits === undefined)
      throw new UsageError("curl --trace-ascii doesn't show every byte: capture it with curl --trace FILE");
    requests.at(-1)?.push(Buffer.from(digits.replaceAll(" ", ""), "hex"));
  }
  return requests.map((parts) => Buffer.concat(parts));
}

function isTunnel(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 8)).toString("latin1") === "CONNECT ";
}
