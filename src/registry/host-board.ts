/** A time in which requests of one kind are held back. */
export interface Pause {
  /** `all`, or a class of requests and who makes them: see `pauseKey`. */
  readonly key: string;
  readonly until: Date;
  /** In words that follow "because". */
  readonly reason: string;
}

/** What was found out about a host at run time, and holds for every process. */
export interface HostFacts {
  /** A larger PUT is answered 413. */
  readonly maxPutBytes?: number;
  /** The host refuses PATCH. */
  readonly refusesChunks?: boolean;
  /** Name of the profile that its answers have shown. */
  readonly profile?: string;
}

/** Everything that the processes of an app tell each other about a host. */
export interface HostNotes {
  readonly pauses: readonly Pause[];
  readonly facts: HostFacts;
}

/** Where processes leave notes for each other. No method throws or rejects: an import does not hang on a note. */
export interface HostBoard {
  /** Within seconds: what cannot be read by then is as if nobody had left a note. */
  readonly read: (host: string) => Promise<HostNotes>;
  /** Returns at once, and writes later. */
  readonly pause: (host: string, pause: Pause) => void;
  /** As `pause`. */
  readonly learn: (host: string, facts: HostFacts) => void;
}
