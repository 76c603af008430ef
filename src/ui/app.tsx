/** The frame around every page: header, connection, sign-in, help. */
import { useEffect } from "preact/hooks";
import { HelpDialog } from "./help.tsx";
import { Icon } from "./icon.tsx";
import { helpIsOpen, useKeys } from "./keys.ts";
import { liveState } from "./live.ts";
import { Menu } from "./menu.tsx";
import { PAGES } from "./pages.ts";
import { addressOf, route } from "./router.ts";
import { loadSession, session, sessionError, signOut } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import { nextTheme, theme } from "./theme.ts";

export function App() {
  const state = session.value?.state;
  useKeys([
    {
      keys: ["?"],
      does: "Show the keys",
      act: () => {
        helpIsOpen.value = true;
      },
    },
  ]);
  const page = PAGES.find(({ id }) => id === route.value.page) ?? PAGES[0];
  useEffect(() => {
    const isIn = state === "open" || state === "signed_in";
    document.title = isIn && page !== undefined ? `${page.title} · Postern` : "Postern";
  }, [page, state]);
  if (state === "signed_out") return <SignIn />;
  if (state === undefined) return sessionError.value === undefined ? <Frame /> : <Unreachable />;
  return (
    <>
      <Frame pageId={page?.id} />
      <main id="page">
        <h1 class="unseen">{page?.title}</h1>
        {page !== undefined && <page.View key={page.id} />}
      </main>
      <HelpDialog />
    </>
  );
}

function Frame({ pageId }: { readonly pageId?: string | undefined }) {
  return (
    <header class="frame">
      <a class="brand" href={addressOf("")} aria-label="Postern, first page">
        <Icon name="gate" />
        <span>Postern</span>
      </a>
      <nav aria-label="Pages">
        <div class="pages">
          <PageLinks pageId={pageId} />
        </div>
        <Menu
          class="pages-menu"
          label={
            <>
              {PAGES.find(({ id }) => id === pageId)?.title ?? "Pages"} <Icon name="chevron" />
            </>
          }
        >
          {(close) => <PageLinks pageId={pageId} class="choice" onClick={close} />}
        </Menu>
      </nav>
      <div class="frame-end">
        {session.value?.state === "open" && (
          <span class="quiet" title="API_TOKEN is not set: whoever reaches this address reads everything.">
            no token set
          </span>
        )}
        {session.value !== undefined && <Connection />}
        <button
          type="button"
          class="icon-button"
          onClick={nextTheme}
          aria-label={`Theme: ${theme.value}`}
          title={`Theme: ${theme.value}`}
        >
          <Icon name={theme.value === "system" ? "system" : theme.value === "dark" ? "moon" : "sun"} />
        </button>
        <button
          type="button"
          class="icon-button help-button"
          aria-label="Keys and links"
          title="Keys and links (?)"
          onClick={() => {
            helpIsOpen.value = true;
          }}
        >
          <Icon name="help" />
        </button>
        {session.value?.state === "signed_in" && (
          <button
            type="button"
            class="icon-button"
            onClick={() => void signOut()}
            aria-label="Sign out"
            title="Sign out"
          >
            <Icon name="leave" />
          </button>
        )}
      </div>
    </header>
  );
}

interface PageLinksProps {
  readonly pageId: string | undefined;
  readonly class?: string;
  readonly onClick?: () => void;
}

function PageLinks({ pageId, ...rest }: PageLinksProps) {
  return PAGES.map(({ id, title }) => (
    <a key={id} {...rest} href={addressOf(id)} aria-current={id === pageId ? "page" : undefined}>
      {title}
    </a>
  ));
}

const CONNECTION = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost, trying again",
  paused: "Paused",
} as const;

function Connection() {
  const words = CONNECTION[liveState.value];
  return (
    <span class={`connection ${liveState.value}`} role="status" title={words}>
      <span class="dot" aria-hidden="true" />
      <span class="connection-words">{words}</span>
    </span>
  );
}

function Unreachable() {
  useEffect(() => {
    const timer = setInterval(() => void loadSession(), 2000);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="alone">
      <h1>Postern</h1>
      <p role="alert">{sessionError.value} This page tries again by itself.</p>
    </main>
  );
}
