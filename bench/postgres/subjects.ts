// What is measured on PostgreSQL: one or three processes of each kind. Only this list knows them.

import { join } from "node:path";
import { posternCommand, referenceCommand, type ServerKind, service } from "../servers.ts";

export type Subject = { name: string; kind: ServerKind; replicas: number };

const postern = service("postern", posternCommand("serve"));
const pool = process.env["POOL_CONNECTIONS"];
const fastapi = service("fastapi", referenceCommand(), pool === undefined ? {} : { POOL_CONNECTIONS: pool });
const rowAStatement = service("row-a-statement", [
  process.execPath,
  join(import.meta.dir, "row-a-statement.ts"),
]);

export const subjects: readonly Subject[] = [
  { name: "postern", kind: postern, replicas: 1 },
  { name: "postern-3", kind: postern, replicas: 3 },
  { name: "row-a-statement", kind: rowAStatement, replicas: 1 },
  { name: "fastapi", kind: fastapi, replicas: 1 },
  { name: "fastapi-3", kind: fastapi, replicas: 3 },
];

export const posternKind = postern;

/** Throws when there is none of that name. */
export function subject(name: string): Subject {
  const found = subjects.find((candidate) => candidate.name === name);
  if (!found)
    throw new Error(`no server '${name}'; there are ${subjects.map((each) => each.name).join(", ")}`);
  return found;
}
