import type { Side } from "../../src/errors.ts";
import { type ClientLimits, createRegistryClient, defaultLimits } from "../../src/registry/client.ts";
import type { Network } from "../../src/registry/guarded-agent.ts";
import type { HostBoard } from "../../src/registry/host-board.ts";
import type { ObserveRequest } from "../../src/registry/observe-request.ts";
import type { Action, Credentials, RegistryAccess, RegistryClient, Repository } from "../../src/registry/registry.ts";
import { createLoopbackNetwork } from "./network.ts";

/** A clock that stands still until somebody sleeps; a sleep takes no time and moves it. */
export interface FakeClock {
  readonly now: () => Date;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly advance: (ms: number) => void;
  /** Sets the time of day back, and no other. */
  readonly setBack: (ms: number) => void;
  readonly elapsedMs: () => number;
  /** Every sleep so far, in milliseconds. */
  readonly sleeps: readonly number[];
}

export function createFakeClock(start = "2026-11-24T12:00:00.000Z"): FakeClock {
  let nowMs = Date.parse(start);
  let setBackMs = 0;
  const sleeps: number[] = [];
  return {
    now: () => new Date(nowMs - setBackMs),
    elapsedMs: () => nowMs,
    setBack: (ms) => {
      setBackMs += ms;
    },
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      sleeps.push(ms);
      nowMs += ms;
    },
    advance: (ms) => {
      nowMs += ms;
    },
    sleeps,
  };
}

/** A process that is alone. */
export const emptyBoard: HostBoard = {
  read: async () => ({ pauses: [], facts: {} }),
  pause: () => undefined,
  learn: () => undefined,
};

export interface TestClientOptions {
  readonly limits?: Partial<ClientLimits>;
  readonly random?: () => number;
  /** Default: this machine. */
  readonly network?: Network;
  /** Default: nobody else is there. */
  readonly board?: HostBoard;
  /** Default: nobody looks. */
  readonly observe?: ObserveRequest;
  /** Gets every line besides. */
  readonly log?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface TestClient extends AsyncDisposable {
  readonly clock: FakeClock;
  /** What was logged, as one text. */
  readonly logged: () => string;
  readonly access: (host: string, options?: AccessOptions) => RegistryAccess;
  readonly repository: (host: string, options?: RepositoryOptions) => Repository;
  readonly open: RegistryClient["open"];
  readonly exchange: RegistryClient["exchange"];
  readonly stateOf: RegistryClient["stateOf"];
}

export interface AccessOptions {
  readonly side?: Side;
  readonly credentials?: Credentials;
  readonly credentialsFrom?: RegistryAccess["credentialsFrom"];
  readonly insecure?: boolean;
  readonly profile?: string;
}

export interface RepositoryOptions extends AccessOptions {
  readonly name?: string;
  readonly actions?: readonly Action[];
}

/** The real client on a fake clock: waits between tries take no time. Source repository `team/app` by default. */
export function createTestClient(options: TestClientOptions = {}): TestClient {
  const { limits = {}, random = () => 0.5, network = createLoopbackNetwork(), board = emptyBoard } = options;
  const { observe = () => () => {}, log = () => {} } = options;
  const clock = createFakeClock();
  const lines: string[] = [];
  const client = createRegistryClient({
    observe,
    limits: { ...defaultLimits, ...limits },
    network,
    board,
    userAgent: "drayage-test",
    random,
    now: clock.now,
    elapsedMs: clock.elapsedMs,
    sleep: clock.sleep,
    log: (event, fields) => {
      lines.push(JSON.stringify({ event, ...fields }));
      log(event, fields);
    },
  });
  const access: TestClient["access"] = (host, options = {}) => ({
    side: options.side ?? "source",
    registry: host,
    stage: "copy",
    credentials: options.credentials ?? { kind: "anonymous" },
    credentialsFrom: options.credentialsFrom,
    insecure: options.insecure ?? true,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  return {
    clock,
    logged: () => lines.join("\n"),
    access,
    repository: (host, { name = "team/app", actions = ["pull"], ...options }: RepositoryOptions = {}) =>
      client.open(access(host, options)).repository(name, actions),
    open: client.open,
    exchange: client.exchange,
    stateOf: client.stateOf,
    [Symbol.asyncDispose]: client.close,
  };
}

/** What `run` throws; fails when it throws nothing. */
export async function thrownBy(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}
