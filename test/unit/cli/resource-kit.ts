import type { SeenRequest } from "./fake-api.ts";

/** What rules and schedules of these tests select, and where it goes. */
export const selection = {
  source: { registry: "dev.example", repositories: ["team/*"] },
  target: { registry: "prod.example", repository: "mirror/{basename}", tag: "{tag}" },
};
/** Without the target's templates. */
export const selectionFlags = ["--from", "dev.example", "--repository", "team/*", "--to", "prod.example"];

/** An API that keeps what it is sent. */
export const echo =
  (status: number) =>
  ({ body }: SeenRequest) => ({ status, body });
