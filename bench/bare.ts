// The upper bound: a Bun server that reads a POST body, looks at nothing and answers as Postern
// would.
// Usage: bun bench/bare.ts PORT

const answer = '{"status":"ok"}';
const init = { headers: { "content-type": "application/json" } };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(answer, init);
  },
});

process.on("SIGTERM", () => server.stop(false).then(() => process.exit(0)));
