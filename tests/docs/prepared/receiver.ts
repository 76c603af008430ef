/**
 * An application in the place of one that a page speaks of: `receiver PORT WORD=STATUS:BODY…`. What
 * holds the word is answered so, with `WORD*1` once; a challenge with itself, all else with 204.
 */
const [port, ...rules] = process.argv.slice(2);
const answers = rules.map((rule) => {
  const [, word = "", times, status, body = ""] = /^(.*?)(?:\*(\d+))?=(\d+)(?::(.*))?$/.exec(rule) ?? [];
  return { word, left: Number(times ?? Number.POSITIVE_INFINITY), status: Number(status), body };
});

Bun.serve({
  port: Number(port),
  hostname: "127.0.0.1",
  fetch: async (request) => {
    const challenge = new URL(request.url).searchParams.get("hub.challenge");
    if (challenge !== null) return new Response(challenge);
    const text = await request.text();
    const answer = answers.find(({ word, left }) => left > 0 && text.includes(word));
    if (answer === undefined) return new Response(null, { status: 204 });
    answer.left -= 1;
    return new Response(answer.body, { status: answer.status });
  },
});
