import { useEffect, useState } from "preact/hooks";
import { formatDuration } from "../../domain/quantities.ts";
import type { Connection } from "../data/poller.ts";
import { useServices } from "../services.ts";

/** Says when what is on screen may be old, and why; screen readers hear it, too, but not each second until the next try. */
export function ConnectionBar({ connection }: { readonly connection: Connection }) {
  const text = textOf(connection);
  return (
    <div class="connection">
      <div role="status">{text !== undefined && <p>{text}</p>}</div>
      {"retrySeconds" in connection && <NextTry connection={connection} />}
    </div>
  );
}

function NextTry({ connection }: { readonly connection: Extract<Connection, { readonly retrySeconds: number }> }) {
  const { poller } = useServices();
  const [leftSeconds, setLeftSeconds] = useState(connection.retrySeconds);
  useEffect(() => {
    const endMs = Date.now() + connection.retrySeconds * 1_000;
    const count = () => setLeftSeconds(Math.max(0, Math.ceil((endMs - Date.now()) / 1_000)));
    count();
    const timer = setInterval(count, 1_000);
    return () => clearInterval(timer);
  }, [connection]);
  return (
    <p class="next-try">
      <span>
        {leftSeconds === 0
          ? "Trying now."
          : `Next try in ${leftSeconds < 60 ? `${leftSeconds}s` : formatDuration(leftSeconds)}.`}
      </span>{" "}
      <button type="button" onClick={() => poller.tryNow()}>
        Try now
      </button>
    </p>
  );
}

function textOf(connection: Connection): string | undefined {
  switch (connection.kind) {
    case "lost":
      return "Connection lost. What you see may be old; trying again by itself.";
    case "busy":
      if (connection.status < 400)
        return "Something before the service answered, and not with its data. What you see may be old; trying again by itself.";
      return connection.status === 429
        ? "The service asks to slow down. Trying again by itself."
        : `The service answers with status ${connection.status}. Trying again by itself.`;
    default:
      return undefined;
  }
}
