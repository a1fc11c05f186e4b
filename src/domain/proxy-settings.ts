import { z } from "zod";

/** As `http://user:password@proxy:3128`; the scheme may be left out. No message repeats it: it may hold a password. */
const proxySchema = z.string().transform((text, context) => {
  const url = URL.parse(text.includes("://") ? text.trim() : `http://${text.trim()}`);
  if (url !== null && ["http:", "https:"].includes(url.protocol) && isPercentEncoded(url)) return url.href;
  context.addIssue("is no http or https URL of a proxy, like http://proxy.example:3128");
  return z.NEVER;
});

/** The settings of proxies. An empty list of hosts: all go through the proxy. */
export const proxySettings = {
  HTTPS_PROXY: proxySchema.optional(),
  HTTP_PROXY: proxySchema.optional(),
  NO_PROXY: z
    .string()
    .transform((text) => text.split(/[,\s]+/).filter((entry) => entry !== ""))
    .default([]),
};

/** Other programs know these settings in lower case as well; those in upper case go before. */
export function proxiesInLowerCase(
  env: Readonly<Record<string, string | undefined>>,
): readonly (readonly [string, string | undefined])[] {
  return Object.keys(proxySettings).map((name) => [name, env[name.toLowerCase()]]);
}

const loopbackNames = ["localhost", "127.0.0.1", "::1", "[::1]"] as const;

/**
 * What is to be set in the environment so that libraries which read it themselves reach this machine without a proxy, as
 * Drayage does: the durable client asks the host at a loopback address, and would ask a proxy that cannot know it. Of the
 * two spellings of NO_PROXY some read the one first and some the other: both are added to where both are set. A list
 * with `*` says it already, and some know that only as all that there is.
 */
export function loopbackWithoutProxy(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const isSet = (name: string) => (env[name] ?? "").trim() !== "";
  const names = ["NO_PROXY", "no_proxy"].filter(isSet);
  const lists = (names.length === 0 ? ["NO_PROXY"] : names).map((name) => {
    const text = env[name] ?? "";
    const entries = text.split(/[,\s]+/).filter((entry) => entry !== "");
    const added = entries.includes("*") ? [] : loopbackNames.filter((loopback) => !entries.includes(loopback));
    return [name, [...(entries.length === 0 ? [] : [text]), ...added].join(",")] as const;
  });
  return Object.fromEntries(lists);
}

function isPercentEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
