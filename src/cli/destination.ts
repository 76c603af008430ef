/** A destination that commands ask the service for. */
import { CommandFailed } from "./errors.ts";
import type { Answer, ServiceClient } from "./service-client.ts";

const NOT_FOUND = 404;

export function destinationPath(name: string): string {
  return `/destinations/${encodeURIComponent(name)}`;
}

/** Throws `CommandFailed` where there is no such destination. */
export async function askDestination(
  client: ServiceClient,
  name: string,
  path: string,
  question: Parameters<ServiceClient["ask"]>[1] = {},
): Promise<Answer> {
  const answer = await client.ask(`${destinationPath(name)}${path}`, {
    ...question,
    also: [NOT_FOUND, ...(question.also ?? [])],
  });
  if (answer.status === NOT_FOUND)
    throw new CommandFailed(`there is no destination ${name}: postern deliveries list names all`);
  return answer;
}
