import type { ComponentChild } from "preact";

/** Names and values, one below the other; what is undefined is left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChild])[] }) {
  const known = facts.filter(([, value]) => value !== undefined);
  if (known.length === 0) return null;
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
