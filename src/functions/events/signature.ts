import { createHmac } from "node:crypto";

/** Headers by which a receiver knows who sent a body, and when. */
const signatureHeader = "x-drayage-signature";
const timestampHeader = "x-drayage-timestamp";

/**
 * Signs a body: HMAC-SHA-256 over `timestamp.body`, hexadecimal. The timestamp (seconds since 1970) is part of what is
 * signed, so that a receiver can refuse what was recorded earlier.
 */
export function signatureHeaders(body: string, secret: string, now: Date): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const hmac = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { [timestampHeader]: timestamp, [signatureHeader]: `sha256=${hmac}` };
}
