import { type Answer, type Call, type Handle, refusal } from "./call.ts";
import { type Access, type BearerOptions, parseBasic, type TokenService } from "./tokens.ts";

export interface BasicOptions {
  readonly kind: "basic";
  /** Name → password. */
  readonly users: Readonly<Record<string, string>>;
}

export type AuthOptions = BasicOptions | BearerOptions;

/** Lets only those calls through that bring the right user and password. */
export function requireBasic({ users }: BasicOptions, next: Handle): Handle {
  return async (call) => {
    const given = parseBasic(call.headers.authorization);
    if (given !== undefined && users[given.user] !== undefined && users[given.user] === given.password)
      return await next(call);
    const headers = { "www-authenticate": 'Basic realm="registry"' };
    return refusal(401, "UNAUTHORIZED", "authentication required", headers);
  };
}

/** Lets only those calls through whose token has the rights they need; serves the token service's paths itself. */
export function requireBearer(tokens: TokenService, realm: () => string, next: Handle): Handle {
  return async (call) => {
    if (call.route.kind === "token" || call.route.kind === "exchange") return await tokens.answer(call);
    const needs = accessNeeded(call);
    const token = /^bearer (.+)$/i.exec(call.headers.authorization ?? "")?.[1];
    if (token === undefined) return challenge(realm(), needs, undefined);
    const granted = tokens.read(token);
    if (granted === undefined) return challenge(realm(), needs, "invalid_token");
    if (!needs.every((need) => isGranted(granted, need))) return challenge(realm(), needs, "insufficient_scope");
    return await next(call);
  };
}

/** The rights that distribution asks for. */
function accessNeeded({ method, route, query }: Call): Access[] {
  if (route.kind === "catalog") return [{ type: "registry", name: "catalog", actions: ["*"] }];
  if (!("repository" in route)) return [];
  const needed: Access = { type: "repository", name: route.repository, actions: actionsOf(method) };
  const from = route.kind === "uploads" && query.has("mount") ? query.get("from") : null;
  return from === null ? [needed] : [needed, { type: "repository", name: from, actions: ["pull"] }];
}

function actionsOf(method: string): string[] {
  if (method === "GET" || method === "HEAD") return ["pull"];
  return method === "DELETE" ? ["delete"] : ["pull", "push"];
}

function isGranted(granted: readonly Access[], need: Access): boolean {
  const actions = granted
    .filter(({ type, name }) => type === need.type && name === need.name)
    .flatMap((access) => access.actions);
  return need.actions.every((action) => actions.includes(action));
}

function challenge(realm: string, needs: readonly Access[], error: string | undefined): Answer {
  const scope = needs.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`).join(" ");
  const parameters = [
    `realm="${realm}"`,
    'service="registry"',
    ...(scope === "" ? [] : [`scope="${scope}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  const headers = { "www-authenticate": `Bearer ${parameters.join(",")}` };
  return refusal(401, "UNAUTHORIZED", "authentication required", headers);
}
