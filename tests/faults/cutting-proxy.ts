/** Stands between an engine and PostgreSQL, and cuts or silences connections as a test says. */
import { connect, createServer, type Socket } from "node:net";

/**
 * What becomes of a connection that sends the COMMIT of a batch, or of a question about one:
 * `after`: it is cut once the server has answered, and the answer is lost; `last`: the same, and
 * from then on nobody is let in; `before`: it is cut, and the server never sees the COMMIT; `late`:
 * it is cut at once, and the server gets the COMMIT when it is released.
 */
type Cut = "before" | "after" | "last" | "late";

export interface CuttingProxy {
  readonly port: number;
  /** The next COMMITs, as many, after those that are to be cut anyway. */
  readonly cut: (how: Cut, times?: number) => void;
  /** The next connection that sends this text is cut once the server has answered it. */
  readonly lose: (text: string) => void;
  /** How many connections were cut so far. */
  readonly cuts: () => number;
  /**
   * The next connection that sends this text goes silent once the server has it: no byte passes,
   * and nobody is told.
   */
  readonly silence: (text: string) => void;
  /** How many connections went silent so far. */
  readonly silent: () => number;
  /** How many connections the server has not let in yet. */
  readonly loggingIn: () => number;
  /** Gives the COMMITs that are held to the server. */
  readonly release: () => void;
  /** From now on nobody is let in, and who is in is cut. */
  readonly shut: () => void;
  /** How many were not let in so far. */
  readonly refused: () => number;
  readonly open: () => void;
  readonly close: () => Promise<void>;
}

/** The server waits for a query, outside of a transaction. */
const READY = "Z\0\0\0\x05I";

export async function newCuttingProxy(to: { host: string; port: number }): Promise<CuttingProxy> {
  const plan: Cut[] = [];
  const silences: string[] = [];
  const losses: string[] = [];
  let cuts = 0;
  let silent = 0;
  let isShut = false;
  let refused = 0;
  let held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const loggingIn = new Set<Socket>();
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (isShut) {
      refused++;
      client.destroy();
      return;
    }
    const upstream = connect(to.port, to.host);
    loggingIn.add(upstream);
    let isCut = false;
    let isAboutBatch = false;
    let isSilent = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
    }
    client.on("close", () => {
      sockets.delete(client);
      if (!isCut && !isSilent) upstream.destroy();
    });
    upstream.on("close", () => {
      sockets.delete(upstream);
      loggingIn.delete(upstream);
      if (!isSilent) client.destroy();
    });
    client.on("data", (data) => {
      if (isSilent) return;
      const text = data.toString("latin1");
      const place = silences.findIndex((each) => text.includes(each));
      if (place >= 0) {
        silences.splice(place, 1);
        silent++;
        isSilent = true;
      }
      if (text.includes("insert into batches")) isAboutBatch = true;
      const lost = losses.findIndex((each) => text.includes(each));
      if (lost >= 0) {
        losses.splice(lost, 1);
        cuts++;
        isCut = true;
        return void upstream.write(data);
      }
      const isCommit = /commit\0/i.test(text);
      const how = isCommit && isAboutBatch ? plan.shift() : undefined;
      if (isCommit) isAboutBatch = false;
      if (how === undefined) return void upstream.write(data);
      cuts++;
      isCut = true;
      if (how === "before") upstream.destroy();
      if (how === "last") isShut = true;
      if (how === "after" || how === "last") upstream.write(data);
      if (how !== "late") return;
      held.push(() => upstream.write(data, () => upstream.once("data", () => upstream.destroy())));
      client.destroy();
    });
    upstream.on("data", (data) => {
      if (data.toString("latin1").includes(READY)) loggingIn.delete(upstream);
      if (isSilent) return;
      if (!isCut) return void client.write(data);
      client.destroy();
      upstream.destroy();
      if (isShut) cutAll();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    cut: (next, times = 1) => {
      for (let time = 0; time < times; time++) plan.push(next);
    },
    lose: (text) => {
      losses.push(text);
    },
    cuts: () => cuts,
    silence: (text) => {
      silences.push(text);
    },
    silent: () => silent,
    loggingIn: () => loggingIn.size,
    release: () => {
      for (const give of held.splice(0)) give();
    },
    shut: () => {
      isShut = true;
      cutAll();
    },
    refused: () => refused,
    open: () => {
      isShut = false;
    },
    close: async () => {
      held = [];
      cutAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
