/** Signing in with the API token. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { signIn } from "./session.ts";

export function SignIn() {
  const error = useSignal("");
  const busy = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const token = input.current?.value.trim() ?? "";
    if (token === "" || busy.value) return;
    busy.value = true;
    error.value = "";
    try {
      await signIn(token);
    } catch (thrown) {
      error.value = thrown instanceof Error ? thrown.message : String(thrown);
      input.current?.select();
    }
    busy.value = false;
  };
  return (
    <main class="alone">
      <form class="sign-in" action="session" method="post" onSubmit={(event) => void submit(event)}>
        <h1>
          <Icon name="gate" /> Postern
        </h1>
        <input type="text" name="username" autocomplete="username" defaultValue="postern" hidden />
        <label for="token">API token</label>
        <input
          ref={input}
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          aria-invalid={error.value !== ""}
          aria-describedby="token-help"
        />
        <p
          id="token-help"
          class={error.value === "" ? "quiet" : "wrong"}
          role={error.value === "" ? undefined : "alert"}
        >
          {error.value || (
            <>
              What <code>API_TOKEN</code> is set to. The session lasts twelve hours.
            </>
          )}
        </p>
        <button type="submit" class="primary" disabled={busy.value}>
          {busy.value ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
