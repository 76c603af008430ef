/** What a new user can do while there is nothing to show. */
import { get } from "../api.ts";
import { CopyButton } from "../copy-button.tsx";
import { Bones } from "../drawer.tsx";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";
import { addressHere } from "../source/address.ts";
import { useAnswer } from "../use-answer.ts";

const FILE = `sources:
  whatsapp:
    kind: meta
    secret: \${META_APP_SECRET}
    verify_token: \${META_VERIFY_TOKEN}
`;

export function FirstSteps() {
  const { value, problem, again } = useAnswer("", (signal) => get("/sources", { signal }));
  const native = value?.data.find(({ kind }) => kind === "native");
  const hasProvider = value?.data.some(({ kind }) => kind !== "native");
  const sources = <a href={addressOf("sources")}>Sources</a>;
  return (
    <div class="first-steps">
      <h2>No message yet</h2>
      <p>It shows here as soon as the first one is stored.</p>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {value === undefined && problem === "" && <Bones />}
      {native !== undefined && <First address={addressHere(native)} />}
      {value !== undefined && <p>Without a terminal, {sources} sends a test.</p>}
      {hasProvider === true && (
        <p>
          {sources} has the address of each provider that is configured, and the steps in the provider's
          console. <code>postern verify</code> explains why a request was refused.
        </p>
      )}
      {hasProvider === false && (
        <>
          <p>Or connect a provider. Name it in the configuration file, with its secrets:</p>
          <Code text={FILE} />
          <p>
            Then check the file (<code>postern check-config --config postern.yaml</code>), set{" "}
            <code>POSTERN_CONFIG</code> to it and restart the service. {sources} has the address to enter in
            the provider's console then, and the steps there. What other providers need is in{" "}
            <code>docs/providers</code>.
          </p>
        </>
      )}
    </div>
  );
}

function First({ address }: { readonly address: string | undefined }) {
  const command = [
    'body=\'{"message_id":"m1","from":"+919876543210","to":"+14155550100","ts":"2025-01-15T10:00:00Z","text":"Hello"}\'',
    'sig=$(printf %s "$body" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r | cut -d" " -f1)',
    `curl ${address ?? `"http://${window.location.hostname}:\${PORT:-8000}/webhook"`} -H "X-Signature: $sig" -d "$body"`,
  ].join("\n");
  return (
    <>
      <p>
        Send one from a terminal, with the secret that the service has
        {address === undefined && ", to its PORT: this page is on its READ_PORT"}:
      </p>
      <Code text={command} />
    </>
  );
}

function Code({ text }: { readonly text: string }) {
  return (
    <div class="code-block">
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
