/** What a new user can do while nothing is handed on. */
import { CopyButton } from "../copy-button.tsx";

const FILE = `destinations:
  app:
    url: https://app.example.com/hooks
    secret: \${APP_SECRET}
`;
const COMMANDS = `export APP_SECRET="whsec_$(openssl rand -base64 32)"
postern check-config --config postern.yaml
postern deliveries test app`;

export function FirstDestination() {
  return (
    <div class="first-steps">
      <h2>No destination yet</h2>
      <p>
        Postern hands every message on to your application: signed, at least once, in each sender's order, and
        again until it is taken. Name it in the configuration file:
      </p>
      <div class="code-block">
        <pre tabIndex={0}>{FILE}</pre>
        <CopyButton text={FILE} />
      </div>
      <p>Check it, send it a test, and reload or restart the service:</p>
      <div class="code-block">
        <pre tabIndex={0}>{COMMANDS}</pre>
        <CopyButton text={COMMANDS} />
      </div>
      <p>
        What a receiver gets and how it verifies it is in <code>docs/delivering.md</code>.
      </p>
    </div>
  );
}
