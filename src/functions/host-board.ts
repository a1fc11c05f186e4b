import { scrub } from "../errors.ts";
import type { HostBoard } from "../registry/host-board.ts";
import type { Hosts } from "../store/hosts.ts";
import type { Log } from "./log.ts";

export interface HostBoardDeps {
  readonly hosts: Hosts;
  readonly log: Log;
}

/** Notes about hosts in table `Hosts`. Storage that fails is logged: then each process knows only what it has seen itself. */
export function createHostBoard({ hosts, log }: HostBoardDeps): HostBoard {
  const quietly = async <T>(what: string, host: string, work: Promise<T>, instead: T): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      log(`host-${what}-failed`, { host, error: scrub(String(thrown)) });
      return instead;
    }
  };
  return {
    read: (host) => quietly("read", host, hosts.read(host), { pauses: [], facts: {} }),
    pause: (host, pause) => quietly("pause", host, hosts.pause(host, pause), undefined),
    learn: (host, facts) => quietly("learn", host, hosts.learn(host, facts), undefined),
  };
}
