/** Begins the dashboard. */
import { render } from "preact";
import { App } from "./app.tsx";
import { loadSession } from "./session.ts";

const place = document.getElementById("app");
if (place === null) throw new Error("the page has no place for the dashboard");
void loadSession();
render(<App />, place);
