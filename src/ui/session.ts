/** Whether this browser may read, and how it signs in and out. */
import { signal } from "@preact/signals";
import { ApiError, get, onRefused, type Schemas, send } from "./api.ts";
import { now } from "./clock.ts";

/** Questions by number: the latest that was asked, and the latest that was answered. */
let asked = 0;
let answered = 0;
/** Behind the end, by which clocks may differ. */
const END_MS = 2000;
let ending: ReturnType<typeof setTimeout> | undefined;

type Session = Schemas["Session"];

/** Undefined until the service has said. */
export const session = signal<Session | undefined>(undefined);
/** Why it isn't known, in words. */
export const sessionError = signal<string | undefined>(undefined);

onRefused(() => {
  if (session.value?.state === "signed_in") session.value = { ...session.value, state: "signed_out" };
});

export async function loadSession(): Promise<void> {
  const number = ++asked;
  try {
    const found = await get("/ui/session");
    // Another one that was asked later has said.
    if (number < answered) return;
    answered = number;
    session.value = found;
    sessionError.value = undefined;
    clearTimeout(ending);
    if (found.expires_at === null) return;
    // Also a page that nobody touches is over then.
    const leftMs = Date.parse(found.expires_at) - now();
    ending = setTimeout(() => void loadSession(), Math.max(0, leftMs) + END_MS);
  } catch (error) {
    if (number > answered) sessionError.value = error instanceof Error ? error.message : String(error);
  }
}

/** Throws `ApiError` with words for the person who typed the token. */
export async function signIn(token: string): Promise<void> {
  try {
    await send("POST", "/ui/session", { body: { token, path: servicePath() } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw new ApiError(401, "That isn't the token.");
    throw error;
  }
  await loadSession();
  if (sessionError.value !== undefined) throw new ApiError(0, sessionError.value);
}

export async function signOut(): Promise<void> {
  await send("DELETE", "/ui/session", { query: { path: servicePath() } });
  await loadSession();
}

/** Where the service is, prefix included: the cookie goes there and nowhere else. */
function servicePath(): string {
  return new URL("../", document.baseURI).pathname;
}
