/** One line where a decision is taken: a short event name and a few fields; never an input, a header or a URL. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;
