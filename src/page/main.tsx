import { render } from "preact";
import { App } from "./app.tsx";
import { createApi } from "./data/api.ts";
import { createKeyStore } from "./data/key-store.ts";
import { createPoller } from "./data/poller.ts";
import { createDrafts } from "./drafts.ts";
import "./page.css";
import { createAct, type Services, ServicesContext } from "./services.ts";
import { applyTheme, readTheme } from "./theme.ts";

/* Where the page begins: the browser's own means are put together here, and nowhere else. */

applyTheme(readTheme());

const key = createKeyStore(() => window.sessionStorage);
const api = createApi({ fetch: window.fetch.bind(window), key, clock: Date.now });
const poller = createPoller({
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  isVisible: () => document.visibilityState === "visible",
});
document.addEventListener("visibilitychange", poller.visibilityChanged);
window.addEventListener("online", poller.refresh);

const services: Services = {
  api,
  poller,
  key,
  drafts: createDrafts(),
  startKeys: new Map(),
  act: createAct(api, poller),
};
const root = document.getElementById("page");
if (root !== null) {
  render(
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>,
    root,
  );
}
