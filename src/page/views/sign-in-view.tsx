import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { mayBeKey } from "../data/key-store.ts";
import { Notice } from "../parts/notice.tsx";
import { useServices } from "../services.ts";

export interface SignInViewProps {
  readonly by: "key" | "platform";
  /** A key was given and did not open. */
  readonly isRepeated: boolean;
}

/** Asks for the function key, or says how the platform signs in. */
export function SignInView({ by, isRepeated }: SignInViewProps) {
  const { key, poller } = useServices();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const typedKey = typed.trim();
  const isFaulty = typedKey !== "" && !mayBeKey(typedKey);
  useLayoutEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () => {
      // What it came from is hidden until this view is gone.
      setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus();
        else document.getElementById("main")?.focus();
      });
    };
  }, []);
  if (by === "platform") {
    return (
      <section class="card narrow">
        <h1>Sign in</h1>
        <p>Your session has ended. Load the page again to sign in.</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load again
        </button>
      </section>
    );
  }
  return (
    <section class="card narrow">
      <h1>Sign in</h1>
      {isRepeated && <Notice tone="bad" title="The service does not take this key" />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isFaulty) return field.current?.focus();
          key.write(typedKey);
          return poller.signedIn();
        }}
      >
        <label for="key">Function key</label>
        <input
          ref={field}
          id="key"
          type="password"
          autocomplete="off"
          required
          value={typed}
          aria-describedby="key-help"
          aria-invalid={isFaulty}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
        <p id="key-help" class={isFaulty ? "help fault" : "help"}>
          {isFaulty
            ? "A key has no letters beyond A to Z, no accents and no curly quotes: this is something else."
            : "A function or host key of the app. It stays in this tab and is forgotten when the tab is closed."}
        </p>
        <div class="actions">
          <button type="submit" class="primary">
            Sign in
          </button>
          {!isRepeated && key.read() !== null && (
            <button type="button" onClick={() => poller.signedIn()}>
              Keep the key that was given
            </button>
          )}
        </div>
      </form>
    </section>
  );
}
