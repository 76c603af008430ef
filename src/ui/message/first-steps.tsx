/** What a new user can do while there is nothing to show. */
import { CopyButton } from "../copy-button.tsx";
import { addressOf } from "../router.ts";

export function FirstSteps() {
  const service = new URL("../", document.baseURI).href;
  const command = [
    'body=\'{"message_id":"m1","from":"+919876543210","to":"+14155550100","ts":"2025-01-15T10:00:00Z","text":"Hello"}\'',
    'sig=$(printf %s "$body" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r | cut -d" " -f1)',
    `curl ${service}webhook -H "X-Signature: $sig" -d "$body"`,
  ].join("\n");
  return (
    <div class="first-steps">
      <h2>No message yet</h2>
      <p>
        It shows here as soon as the first one is stored. Send one from a terminal, with the secret that the
        service has:
      </p>
      <div class="code-block">
        <pre tabIndex={0}>{command}</pre>
        <CopyButton text={command} />
      </div>
      <p>
        Without a terminal, <a href={addressOf("sources")}>Sources</a> sends a test.
      </p>
      <p>
        Or connect a provider: each has its page in <code>docs/providers</code>, with the address to enter in
        its console and the secret to copy from it. <code>postern verify</code> explains why a request was
        refused.
      </p>
    </div>
  );
}
