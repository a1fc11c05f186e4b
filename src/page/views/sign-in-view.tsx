import { useState } from "preact/hooks";
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
  if (by === "platform") {
    return (
      <section class="card">
        <h1>Sign in</h1>
        <p>Your session has ended. Load the page again to sign in.</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load again
        </button>
      </section>
    );
  }
  return (
    <section class="card">
      <h1>Sign in</h1>
      {isRepeated && <Notice tone="bad" title="The service does not take this key" />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          key.write(typed.trim());
          poller.signedIn();
        }}
      >
        <label for="key">Function key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          required
          value={typed}
          aria-describedby="key-help"
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
        <p id="key-help" class="help">
          A function or host key of the app. It stays in this tab and is forgotten when the tab is closed.
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </section>
  );
}
