import { describe, expect, it } from "vitest";
import { parseEventSinks, sinkPlaceProblems } from "../../../src/domain/event-sinks.ts";

const secret = "a secret of 16+ characters";
const hook = { name: "hook", kind: "webhook", url: "https://ci.example/in?key=k", secret };
const parse = (...entries: readonly unknown[]) => parseEventSinks(JSON.stringify(entries));

describe("EVENT_SINKS", () => {
  it("reads every kind", () => {
    const queue = { name: "queue", kind: "queue", queue: "done", types: ["drayage.import.failed"] };
    const topic = { name: "topic", kind: "eventGrid", endpoint: "https://t.example/api/events", key: "k" };

    expect(parse(hook, queue, topic)).toEqual({ sinks: [hook, queue, topic], problems: [] });
  });

  it.each<[string, unknown, string]>([
    ["no list", undefined, "expected a JSON list of entries"],
    ["an unknown kind", { name: "a", kind: "mail" }, "entry 1 (a): kind"],
    ["no name", { kind: "queue", queue: "done" }, "entry 1: name"],
    ["an unknown property", { ...hook, secrte: secret }, "entry 1 (hook): Unrecognized key"],
    ["an unknown type", { ...hook, types: ["drayage.import.begun"] }, "entry 1 (hook): types.0"],
    ["a short secret", { ...hook, secret: "topsecret" }, "entry 1 (hook): secret expected at least 16 characters"],
    ["no URL", { ...hook, url: "topsecret" }, "entry 1 (hook): url expected an http or https URL"],
    ["another scheme", { ...hook, url: "file:///topsecret" }, "entry 1 (hook): url expected an http or https URL"],
    ["a user in the URL", { ...hook, url: "https://u:topsecret@h.example" }, "entry 1 (hook): url must not hold user"],
    ["a bad queue", { name: "q", kind: "queue", queue: "No_Queue" }, "entry 1 (q): queue expected a queue name"],
  ])("says which entry has %s, and repeats no value", (_, entry, expected) => {
    const { problems } = entry === undefined ? parseEventSinks(`[${secret}`) : parse(entry);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
    expect(problems.join()).not.toContain("topsecret");
    expect(problems.join()).not.toContain(secret);
  });

  it("refuses a name that is given twice", () => {
    expect(parse(hook, hook).problems).toEqual(["name hook is given twice"]);
  });
});

describe("the place of a sink", () => {
  const places = { ownQueues: ["events"], insecureHosts: ["plain.example"], namedHosts: ["10.0.0.4:8080"] };
  const problemsOf = (...entries: readonly unknown[]) => sinkPlaceProblems(parse(...entries).sinks, places);

  it("may be public with https, or what the operator has named", () => {
    const named = { ...hook, name: "named", url: "https://10.0.0.4:8080/in" };

    expect(problemsOf(hook, named, { ...hook, name: "plain", url: "http://plain.example/in" })).toEqual([]);
  });

  it.each([
    ["http://ci.example/in", "entry 1 (hook): ci.example needs https, or an entry in INSECURE_HOSTS"],
    ["https://10.0.0.5/in", "entry 1 (hook): 10.0.0.5 is private: it needs an entry in ALLOW_PRIVATE_HOSTS"],
    ["https://localhost/in", "entry 1 (hook): localhost is private: it needs an entry in ALLOW_PRIVATE_HOSTS"],
    ["https://[::1]/in", "entry 1 (hook): [::1] is private: it needs an entry in ALLOW_PRIVATE_HOSTS"],
    ["https://0x7f000001/in", "entry 1 (hook): 127.0.0.1 is private: it needs an entry in ALLOW_PRIVATE_HOSTS"],
  ])("may not be %s", (url, problem) => {
    expect(problemsOf({ ...hook, url })).toEqual([problem]);
  });

  it("may not be a queue of Drayage itself", () => {
    expect(problemsOf({ name: "q", kind: "queue", queue: "events" })).toEqual([
      "entry 1 (q): Drayage itself reads queue events",
    ]);
  });

  it("of a topic without a key needs https, for the identity's token", () => {
    const topic = { name: "t", kind: "eventGrid", endpoint: "http://plain.example/api/events" };

    expect(problemsOf(topic)).toEqual(["entry 1 (t): without a key, https is needed"]);
  });
});
