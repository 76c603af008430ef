/** What is to be done once, when all test files of a run are through. Loaded before them (see bunfig.toml). */
import { afterAll } from "bun:test";

const tasks: (() => Promise<void>)[] = [];

export function atEnd(task: () => Promise<void>): void {
  tasks.push(task);
}

afterAll(async () => {
  for (const task of tasks) await task();
});
