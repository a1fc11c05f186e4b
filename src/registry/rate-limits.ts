import type { RequestClass } from "./request-class.ts";

/** Requests a minute that one account may make at a host, by class; a class that is left out is not limited. */
export interface RateLimits {
  readonly readsPerMinute?: number | undefined;
  readonly writesPerMinute?: number | undefined;
  readonly referrersPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/**
 * Published limits by name, for `limits` of an entry in REGISTRIES. Basic and Standard have the same figures.
 * Source: https://learn.microsoft.com/azure/container-registry/container-registry-skus, "per identity"; tokens per registry.
 */
const acrStandard: RateLimits = {
  readsPerMinute: 5_000,
  writesPerMinute: 1_000,
  referrersPerMinute: 250,
  tokensPerMinute: 10_000,
};
const acrPremium: RateLimits = {
  readsPerMinute: 10_000,
  writesPerMinute: 2_000,
  referrersPerMinute: 1_000,
  tokensPerMinute: 20_000,
};

export const limitPresets: Readonly<Record<string, RateLimits>> = {
  "acr-basic": acrStandard,
  "acr-standard": acrStandard,
  "acr-premium": acrPremium,
};

/** Of an ACR whose SKU nobody has named: the highest until it answers 429, then what every ACR grants. */
export const acrLimits: readonly RateLimits[] = [acrPremium, acrStandard];

/** The classes whose budgets a request is paid from. ACR counts a list of referrers as a read, too. */
export function chargedClasses(requestClass: RequestClass): readonly RequestClass[] {
  if (requestClass === "referrers") return ["referrers", "read"];
  return [requestClass === "pull" ? "read" : requestClass];
}

/** What `limits` say of a class. */
export function perMinuteOf(limits: RateLimits | undefined, requestClass: RequestClass): number | undefined {
  switch (requestClass) {
    case "read":
    case "pull":
      return limits?.readsPerMinute;
    case "write":
      return limits?.writesPerMinute;
    case "referrers":
      return limits?.referrersPerMinute;
    case "token":
      return limits?.tokensPerMinute;
  }
}
