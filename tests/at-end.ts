/**
 * What is to be done once, when the test files of a process are through: all of them, or each by
 * itself when they run side by side. Loaded before them (see bunfig.toml).
 */
import { afterAll } from "bun:test";

const tasks: (() => Promise<void>)[] = [];

export function atEnd(task: () => Promise<void>): void {
  tasks.push(task);
}

afterAll(async () => {
  for (const task of tasks.splice(0)) await task();
});
