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

function isPercentEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
