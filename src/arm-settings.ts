import { z } from "zod";

/** Clouds by the suffix of their registries. Source: @azure/core-client-common's cloud settings, learn.microsoft.com "Azure Resource Manager endpoints". */
const endpoints: Readonly<Record<string, string>> = {
  "azurecr.io": "https://management.azure.com",
  "azurecr.cn": "https://management.chinacloudapi.cn",
  "azurecr.us": "https://management.usgovcloudapi.net",
};

/** The settings about Azure's resource manager, as a part of all settings. Tokens never travel without TLS. */
export const armSettings = {
  ARM_ENDPOINT: z
    .string()
    .transform((text, context) => {
      const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
      if (url?.protocol === "https:" && url.pathname === "/" && url.search === "" && url.username === "")
        return url.origin;
      context.addIssue("expected https://host");
      return z.NEVER;
    })
    .optional(),
};

/** Where the resource manager is: the one of the registries' cloud, unless the settings say so. */
export function armEndpointOf(set: string | undefined, registrySuffix: string): string {
  return set ?? endpoints[registrySuffix] ?? "https://management.azure.com";
}
