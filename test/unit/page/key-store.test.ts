import { describe, expect, it } from "vitest";
import { createKeyStore, mayBeKey } from "../../../src/page/data/key-store.ts";

/** Site data of a tab. */
function createStorage(stored: string | null = null) {
  let value = stored;
  return {
    getItem: () => value,
    setItem: (_name: string, next: string) => {
      value = next;
    },
  };
}

describe("the key of the tab", () => {
  it("is kept where the tab keeps its data", () => {
    const storage = createStorage();
    createKeyStore(() => storage).write("given");

    expect(createKeyStore(() => storage).read()).toBe("given");
  });

  it("lasts as long as the page where the browser blocks site data", () => {
    const key = createKeyStore(() => {
      throw new DOMException("Access is denied for this document.", "SecurityError");
    });
    expect(key.read()).toBeNull();

    key.write("given");

    expect(key.read()).toBe("given");
  });

  it.each(["ключ", "“quoted”", "", "tab\t"])("cannot be %j, which no header takes", (text) => {
    expect(mayBeKey(text)).toBe(false);
    expect(createKeyStore(() => createStorage(text)).read()).toBeNull();
  });

  it("may have every character of a host's keys", () => {
    expect(mayBeKey("aZ09-_==/+")).toBe(true);
  });
});
