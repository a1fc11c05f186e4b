import type { KeyStore } from "./api.ts";

const name = "drayage.functions-key";

/** Whether a text can be sent as a key: a header takes printable ASCII. */
export function mayBeKey(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

/** Keeps the key in `open()`, or for as long as the page is open where the browser lets it keep nothing. */
export function createKeyStore(open: () => Pick<Storage, "getItem" | "setItem">): KeyStore {
  let inMemory: string | null = null;
  return {
    read: () => {
      try {
        const stored = open().getItem(name) ?? inMemory;
        return stored !== null && mayBeKey(stored) ? stored : null;
      } catch {
        return inMemory; // site data is blocked
      }
    },
    write: (key) => {
      inMemory = key;
      try {
        open().setItem(name, key);
      } catch {
        // blocked, or full: memory has it
      }
    },
  };
}
