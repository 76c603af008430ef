/** The pages, in the order of the header; the first one is shown where the address names none. */
import type { Page } from "./page.ts";
import { conversationsPage } from "./pages/conversations.tsx";
import { destinationsPage } from "./pages/destinations.tsx";
import { eventsPage } from "./pages/events.tsx";
import { messagesPage } from "./pages/messages.tsx";
import { overviewPage } from "./pages/overview.tsx";
import { sourcesPage } from "./pages/sources.tsx";

export const PAGES: readonly Page[] = [
  messagesPage,
  eventsPage,
  conversationsPage,
  overviewPage,
  sourcesPage,
  destinationsPage,
];
