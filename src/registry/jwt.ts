import { z } from "zod";
import { parseJson } from "../json.ts";

/** Source: distribution token authentication, "Token Format". */
const grantSchema = z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) });

const claimsSchema = z.object({
  exp: z.number().optional().catch(undefined),
  iat: z.number().optional().catch(undefined),
  tid: z.string().optional().catch(undefined),
  access: z.array(grantSchema).optional().catch(undefined),
});

/** Claims of a token that are of use here. They are not checked: whoever issued the token knows whether it is good. */
export type Claims = Readonly<z.infer<typeof claimsSchema>>;

/** The claims of a JWT; none where a token is no JWT. */
export function readClaims(token: string): Claims {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  const claims = claimsSchema.safeParse(parseJson(payload));
  return claims.success ? claims.data : {};
}

/** When a JWT says that it ends; undefined: it says nothing of use. */
export function jwtEnd(token: string): Date | undefined {
  const end = new Date((readClaims(token).exp ?? Number.NaN) * 1_000);
  return Number.isNaN(end.getTime()) ? undefined : end;
}

/**
 * From `iat` to `exp` where both are there: that holds whatever our own clock says. Undefined: the token tells none, or
 * one that is over as it comes, which can only mean that a clock is wrong: believed, each request would fetch another.
 */
export function jwtLifetimeSeconds(token: string, askedAt: Date): number | undefined {
  const { exp, iat = askedAt.getTime() / 1_000 } = readClaims(token);
  return exp === undefined || exp <= iat ? undefined : exp - iat;
}
