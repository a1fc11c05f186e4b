/** A compiled HTTP route. `match` gives the route's values, or undefined. */
export interface Route<T> {
  readonly template: string;
  readonly methods: ReadonlySet<string>;
  readonly target: T;
}

export interface RouteMatch<T> {
  readonly target: T;
  /** Decoded values; an optional parameter without a value is absent. */
  readonly params: Readonly<Record<string, string>>;
}

type Segment = LiteralSegment | ParameterSegment;
interface LiteralSegment {
  readonly kind: "literal";
  readonly text: string;
}
interface ParameterSegment {
  readonly kind: "parameter";
  readonly name: string;
  readonly isOptional: boolean;
  readonly isCatchAll: boolean;
  readonly prefix: string;
  readonly suffix: string;
  readonly defaultValue: string | undefined;
  readonly constraints: readonly Constraint[];
}
type Constraint = (value: string) => boolean;

interface CompiledRoute<T> extends Route<T> {
  readonly segments: readonly Segment[];
  readonly rank: string;
}

/**
 * Finds the route of a request as ASP.NET Core's routing does for the Functions host: case-insensitive, constraints
 * decide about a match, the most specific template wins. A path that exists under another method only is no match:
 * the genuine host answers it with 404, never 405 (test/host/golden-http).
 */
export function createRouter<T>(routes: readonly Route<T>[]) {
  const compiled = routes.map(compileRoute).sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return (method: string, pathname: string): RouteMatch<T> | undefined => {
    const parts = splitPath(pathname);
    if (parts === undefined) return undefined;
    for (const route of compiled) {
      if (!route.methods.has(method)) continue;
      const params = matchSegments(route.segments, parts);
      if (params) return { target: route.target, params };
    }
    return undefined;
  };
}

function splitPath(pathname: string): string[] | undefined {
  const trimmed = pathname.replace(/^\//, "").replace(/\/$/, "");
  if (trimmed === "") return [];
  try {
    return trimmed.split("/").map((part) => decodeURIComponent(part.replace(/%2f/gi, "%252F"))); // Kestrel keeps %2F
  } catch {
    return undefined; // a broken percent sequence names nothing
  }
}

function matchSegments(segments: readonly Segment[], parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const part = parts[at];
    if (segment.kind === "literal") {
      if (part?.toLowerCase() !== segment.text) return undefined;
      continue;
    }
    const value = segment.isCatchAll ? parts.slice(at).join("/") : (part ?? "");
    if (!matchParameter(segment, value, params)) return undefined;
    if (segment.isCatchAll) return params;
  }
  return parts.length > segments.length ? undefined : params;
}

function matchParameter(segment: ParameterSegment, text: string, params: Record<string, string>): boolean {
  const { prefix, suffix } = segment;
  const lower = text.toLowerCase();
  if (text !== "" && !(lower.startsWith(prefix) && lower.endsWith(suffix))) return false;
  const value = text.slice(prefix.length, text.length - suffix.length);
  if (value === "") {
    if (segment.defaultValue !== undefined) params[segment.name] = segment.defaultValue;
    return segment.isOptional || segment.isCatchAll || segment.defaultValue !== undefined;
  }
  params[segment.name] = value;
  return segment.constraints.every((isAllowed) => isAllowed(value));
}

function compileRoute<T>(route: Route<T>): CompiledRoute<T> {
  const trimmed = route.template.replace(/^\/+|\/+$/g, "");
  const segments = trimmed === "" ? [] : splitTemplate(trimmed).map(compileSegment);
  return { ...route, segments, rank: rankOf(segments) };
}

/** Splits at slashes outside braces: `{id:regex(^a/b$)}` is one segment. */
function splitTemplate(template: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let current = "";
  for (const char of template) {
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if (char === "/" && depth === 0) {
      segments.push(current);
      current = "";
    } else current += char;
  }
  return [...segments, current];
}

const parameterPattern = /^([^{}]*)\{(\*{0,2})([A-Za-z_][\w-]*)((?::[^{}?=]+(?:\([^)]*\))?)*)(\?|=[^{}]*)?\}([^{}]*)$/;

function compileSegment(text: string): Segment {
  if (!text.includes("{")) return { kind: "literal", text: text.toLowerCase() };
  const match = parameterPattern.exec(text);
  if (!match) throw new Error(`route segment "${text}" is not understood`);
  const [, prefix = "", stars = "", name = "", constraints = "", tail = "", suffix = ""] = match;
  return {
    kind: "parameter",
    name,
    isCatchAll: stars !== "",
    isOptional: tail === "?",
    defaultValue: tail.startsWith("=") ? tail.slice(1) : undefined,
    prefix: prefix.toLowerCase(),
    suffix: suffix.toLowerCase(),
    constraints: splitConstraints(constraints).map(compileConstraint),
  };
}

function splitConstraints(text: string): string[] {
  return text === "" ? [] : (text.slice(1).match(/[^:(]+(?:\([^)]*\))?/g) ?? []);
}

const guidPattern = /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

/** The constraints of ASP.NET Core that take a value of text. Source: "Routing in ASP.NET Core", route constraints. */
function compileConstraint(text: string): Constraint {
  const [, name = "", argument = ""] = /^(\w+)(?:\((.*)\))?$/.exec(text) ?? [];
  const [first = Number.NaN, second = first] = argument.split(",").map(Number);
  switch (name.toLowerCase()) {
    case "int":
      return (value) => /^[+-]?\d+$/.test(value) && Math.abs(Number(value)) <= 2 ** 31;
    case "long":
      return (value) => /^[+-]?\d{1,19}$/.test(value);
    case "bool":
      return (value) => /^(true|false)$/i.test(value);
    case "decimal":
    case "double":
    case "float":
      return (value) => value.trim() !== "" && Number.isFinite(Number(value));
    case "guid":
      return (value) => guidPattern.test(value);
    case "datetime":
      return (value) => !Number.isNaN(Date.parse(value));
    case "alpha":
      return (value) => /^[a-z]*$/i.test(value);
    case "minlength":
      return (value) => value.length >= first;
    case "maxlength":
      return (value) => value.length <= first;
    case "length":
      return (value) => value.length >= first && value.length <= second;
    case "min":
      return (value) => Number(value) >= first;
    case "max":
      return (value) => Number(value) <= first;
    case "range":
      return (value) => Number(value) >= first && Number(value) <= second;
    case "regex": {
      const pattern = new RegExp(argument, "i");
      return (value) => pattern.test(value);
    }
    case "required":
      return (value) => value !== "";
    default:
      throw new Error(`route constraint "${text}" is not known`);
  }
}

/** Orders like ASP.NET Core's precedence: literal, then constrained, plain, constrained catch-all, catch-all. */
function rankOf(segments: readonly Segment[]): string {
  const digits = segments.map((segment) => {
    if (segment.kind === "literal") return "1";
    const isConstrained = segment.constraints.length > 0;
    if (segment.isCatchAll) return isConstrained ? "5" : "6";
    if (segment.prefix !== "" || segment.suffix !== "") return "2";
    return isConstrained ? "3" : "4";
  });
  return digits.join("");
}
