/** What is fetched from others, by whom, and from where never. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { documentFetcher } from "../../src/lib/fetch-document.ts";
import { newAuthority, selfSigned } from "../deliver/certificates.ts";
import { answers, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { steeredClock } from "../steered-clock.ts";

const authority = newAuthority();
const clock = steeredClock();
let publisher: Receiver;
beforeAll(async () => {
  publisher = await newReceiver({ certificate: authority.issue("keys.test") });
});
afterEach(() => void publisher.received.splice(0));
afterAll(() => publisher.close());

function fetcher(addresses: readonly string[] = ["127.0.0.1"], ca = authority.cert) {
  return documentFetcher({ clock, ca, resolve: async () => addresses });
}

const at = (path: string, port = publisher.port) => new URL(`https://keys.test:${port}${path}`);

async function whyOf(fetching: Promise<Uint8Array>): Promise<string> {
  try {
    await fetching;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  throw new Error("it was fetched");
}

describe("a document", () => {
  test("comes from the address that was checked, with its host's certificate, whole", async () => {
    publisher.behave((answer) => answer.end("what is published"));
    const found = await fetcher()(at("/keys?a=b"), true);
    expect(Buffer.from(found).toString()).toBe("what is published");
    const [request] = publisher.received;
    expect(request?.path).toBe("/keys?a=b");
    expect(request?.headers).toMatchObject({
      host: `keys.test:${publisher.port}`,
      "accept-encoding": "identity",
    });
  });

  test("comes from another address where nobody listens at the first", async () => {
    publisher.behave((answer) => answer.end("x"));
    expect(Buffer.from(await fetcher(["127.0.0.9", "127.0.0.1"])(at("/"), true)).toString()).toBe("x");
  });

  test.each([
    [["127.0.0.1"], /keys\.test is 127\.0\.0\.1: not on the public internet/],
    [["10.1.2.3", "::1", "fe80::1%eth0"], /not on the public internet/],
    [[], /has no address/],
  ])("isn't asked for at %p", async (addresses, words) => {
    expect(await whyOf(fetcher(addresses)(at("/"), false))).toMatch(words);
    expect(publisher.received).toEqual([]);
  });

  test.each(["https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://169.254.169.254/"])(
    "isn't asked for at %s, whatever that is resolved to",
    async (url) => {
      expect(await whyOf(fetcher(["8.8.8.8"])(new URL(url), false))).toMatch(/not on the public internet/);
    },
  );

  test("isn't asked for by plain HTTP, nor behind a redirect, nor from a stranger's server", async () => {
    publisher.behave(answers(302, { Location: "https://keys.test/elsewhere" }));
    expect(await whyOf(fetcher()(new URL("http://keys.test/"), true))).toMatch(/https only/);
    expect(await whyOf(fetcher()(at("/"), true))).toMatch(/answered 302, not 200/);
    expect(publisher.received.map(({ path }) => path)).toEqual(["/"]);
    const stranger = await newReceiver({ certificate: selfSigned("keys.test") });
    const other = await newReceiver({ certificate: authority.issue("other.test") });
    try {
      expect(await whyOf(fetcher()(at("/", stranger.port), true))).toMatch(/SELF_SIGNED|VERIFY/);
      expect(await whyOf(fetcher()(at("/", other.port), true))).toMatch(/ALTNAME|HOSTNAME/);
      expect([...stranger.received, ...other.received]).toEqual([]);
    } finally {
      await stranger.close();
      await other.close();
    }
  });

  test.each([
    [204, ""],
    [404, "no"],
    [500, "no"],
  ])("is none with the status %i", async (status, body) => {
    publisher.behave((answer) => {
      answer.statusCode = status;
      answer.end(body);
    });
    expect(await whyOf(fetcher()(at("/"), true))).toBe(
      `DocumentUnavailable: keys.test:${publisher.port} answered ${status}, not 200`,
    );
  });

  test("is none when it is longer than 256 KiB, however its length is said", async () => {
    const long = Buffer.alloc(256 * 1024 + 1);
    for (const behaviour of [
      (answer: { end: (bytes: Buffer) => void }) => answer.end(long),
      (answer: { write: (bytes: Buffer) => void; end: (bytes: Buffer) => void }) => {
        answer.write(long.subarray(0, 1000));
        answer.end(long.subarray(1000));
      },
    ]) {
      publisher.behave(behaviour);
      expect(await whyOf(fetcher()(at("/"), true))).toMatch(/more than 262144 bytes/);
    }
    publisher.behave((answer) => answer.end(long.subarray(1)));
    expect((await fetcher()(at("/"), true)).length).toBe(256 * 1024);
  });

  test("is none when it isn't whole within five seconds, at whatever step", async () => {
    const arrived = Promise.withResolvers<void>();
    publisher.behave((answer) => {
      answer.write("a part");
      arrived.resolve();
    });
    const slow = whyOf(fetcher()(at("/"), true));
    await arrived.promise;
    clock.advance(5000);
    expect(await slow).toMatch(/no answer within 5000 ms/);
    const never = documentFetcher({ clock, resolve: () => new Promise(() => undefined) });
    const unresolved = whyOf(never(at("/"), true));
    clock.advance(5000);
    expect(await unresolved).toMatch(/isn't resolved in time/);
  });
});
