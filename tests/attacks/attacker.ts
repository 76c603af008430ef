/**
 * A stranger in a process of its own: `bun attacker.ts PORT CONNECTIONS SECONDS NAME…` sends the
 * named attacks in turn on so many connections, as fast as they are answered, and prints how many
 * were answered with what.
 */
import { connect, type Socket } from "node:net";
import { setPriority } from "node:os";
import { ATTACKS, HELD } from "./attacks.ts";

// A stranger's machine is another one: what it costs to send isn't what it costs to be sent to.
setPriority(15);
const [port = "", connections = "", seconds = "", ...names] = process.argv.slice(2);
const attacks = names.map((name) => {
  const found = [...ATTACKS, ...HELD].find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no attack "${name}"`);
  return found;
});
const requests = attacks.map((attack) => attack.request(Date.now()));
const holds = attacks.some((attack) => attack.holds);
console.log("ready");
for await (const _ of console) break;
const end = Date.now() + Number(seconds) * 1000;
const answers: Record<string, number> = {};
// Each connection begins with another one, and goes round.
const senders = Array.from({ length: Number(connections) }, (_, index) => send(index));
await Promise.all(senders);
console.log(JSON.stringify(answers));
process.exit(0);

async function send(first: number): Promise<void> {
  for (let next = first; Date.now() < end; )
    next = await sendOn(connect({ port: Number(port), host: "127.0.0.1" }), next);
}

/** Until the connection is closed or the time is over; gives which request comes next. */
function sendOn(socket: Socket, first: number): Promise<number> {
  let next = first;
  const sendNext = () => void socket.write(requests[next++ % requests.length] as Buffer);
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), Math.max(0, end - Date.now()) + 500);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(next);
    });
    socket.on("data", (bytes) => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(bytes.toString("latin1"))?.[1];
      if (status === undefined) return;
      answers[status] = (answers[status] ?? 0) + 1;
      if (Date.now() < end && !holds) sendNext();
      else socket.destroy();
    });
    socket.on("connect", sendNext);
  });
}
