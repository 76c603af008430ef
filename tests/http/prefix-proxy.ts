/** A proxy that has the service below a path, and takes that path away. */

const PREFIX = "/hooks";

interface PrefixProxy {
  /** Of the service as its readers have it, without a slash behind it. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export function prefixProxy(upstream: string): PrefixProxy {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith(`${PREFIX}/`)) return new Response("beside the prefix", { status: 404 });
      const { method, headers, body } = request;
      return fetch(`${upstream}${pathname.slice(PREFIX.length)}${search}`, {
        ...{ method, headers, body, redirect: "manual", decompress: false, signal: request.signal },
      });
    },
  });
  return { url: `http://127.0.0.1:${server.port}${PREFIX}`, stop: () => server.stop(true) };
}
