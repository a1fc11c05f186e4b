import { useEffect, useState } from "preact/hooks";
import { useArrival } from "./arrival.ts";
import { useFocusKeeper } from "./focus.ts";
import { Boundary } from "./parts/boundary.tsx";
import { ConnectionBar } from "./parts/connection-bar.tsx";
import { ThemeChoice } from "./parts/theme-choice.tsx";
import { useNewDay } from "./parts/time.tsx";
import { formatHash, type Route, useRoute } from "./routing.ts";
import { useServices } from "./services.ts";
import { BarredView } from "./views/barred-view.tsx";
import { SignInView } from "./views/sign-in-view.tsx";
import { startView, type View, views } from "./views.tsx";

/** The frame around every view: navigation, the state of the connection, and the view that the address names. */
export function App() {
  const route = useRoute();
  const connection = useConnection();
  const { key, poller } = useServices();
  const view = viewAt(route);
  useFocusKeeper();
  useNewDay();
  const place = `${route.view}/${route.argument}`;
  useArrival(place, view?.title(route) ?? "Not found");
  const isShut = connection.kind === "sign-in" || connection.kind === "barred";
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href={formatHash(startView)}>
          Drayage
        </a>
        <nav aria-label="Views">
          <ul class="menu">
            {views
              .filter(({ inNavigation }) => inNavigation !== undefined)
              .map(({ name, inNavigation }) => (
                <li key={name}>
                  <a
                    href={formatHash(name)}
                    aria-current={name === view?.name ? "page" : name === view?.under ? "true" : undefined}
                  >
                    {inNavigation}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
        {key.read() !== null && (
          <button type="button" onClick={() => poller.wantSignIn("key")}>
            Change key
          </button>
        )}
        <ThemeChoice />
      </header>
      <ConnectionBar connection={connection} />
      <main id="main" tabIndex={-1}>
        {connection.kind === "sign-in" && <SignInView by={connection.by} isRepeated={connection.isRepeated} />}
        {connection.kind === "barred" && <BarredView />}
        <div key={place} hidden={isShut}>
          {view === undefined ? <NotFound /> : <Boundary>{view.render(route)}</Boundary>}
        </div>
      </main>
    </>
  );
}

function viewAt({ view, argument }: Route): View | undefined {
  const found = views.find(({ name }) => name === (view === "" ? startView : view));
  if (argument === "." || argument === "..") return undefined; // in a path of the API they would be other places
  return found?.needsArgument && argument === "" ? undefined : found;
}

function NotFound() {
  return (
    <>
      <h1>Not found</h1>
      <p>
        There is nothing at this address. <a href={formatHash(startView)}>Go to the overview</a>.
      </p>
    </>
  );
}

function useConnection() {
  const { poller } = useServices();
  const [connection, setConnection] = useState(poller.connection());
  useEffect(() => poller.subscribe(() => setConnection(poller.connection())), [poller]);
  return connection;
}
