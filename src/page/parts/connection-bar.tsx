import type { Connection } from "../data/poller.ts";

/** Says when what is on screen may be old, and why; screen readers hear it, too. */
export function ConnectionBar({ connection }: { readonly connection: Connection }) {
  const text = textOf(connection);
  return (
    <div class="connection" role="status">
      {text !== undefined && <p>{text}</p>}
    </div>
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
