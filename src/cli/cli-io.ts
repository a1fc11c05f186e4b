/** One output of the process. */
export interface TextOutput {
  readonly write: (text: string) => void;
  readonly isTty: boolean;
  /** Width of the terminal now; 80 where there is none. */
  readonly columns: () => number;
}

/** What a command sees of the process it runs in. */
export interface CliIo {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** All of standard input as text. */
  readonly readStdin: () => Promise<string>;
  /** A file as text, and text to a file. Both reject with node's error. */
  readonly readFile: (path: string) => Promise<string>;
  readonly writeFile: (path: string, text: string) => Promise<void>;
  readonly now: () => number;
  /** Rejects with the signal's reason. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly fetch: typeof fetch;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}
