export interface Share {
  readonly name: string;
  readonly count: number;
  /** A class of page.css. */
  readonly look: string;
}

/** A whole as one bar of its shares, and below it what each is. */
export function ShareBar({ label, shares }: { readonly label: string; readonly shares: readonly Share[] }) {
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const there = shares.filter(({ count }) => count > 0);
  return (
    <>
      <div class="byte-bar shares" aria-hidden="true">
        {there.map(({ name, count, look }) => (
          <span key={name} class={`share ${look}`} style={{ width: `${(count / total) * 100}%` }} />
        ))}
      </div>
      <ul class="keys" aria-label={label}>
        {shares.map(({ name, count, look }) => (
          <li key={name}>
            <span class={`key share ${look}`} />
            {name} <strong>{count}</strong>
          </li>
        ))}
      </ul>
    </>
  );
}
