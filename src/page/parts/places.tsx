export interface PlacesProps {
  readonly from: string;
  /** Of what it is about; undefined: there is nothing to look at yet. */
  readonly href: string | undefined;
  /** Undefined: it is not known. */
  readonly to: string | undefined;
  readonly error: string | undefined;
}

/** From where to where, and what went wrong. Long names are cut after two lines until they are pointed at or have the focus. */
export function Places({ from, href, to, error }: PlacesProps) {
  return (
    <div class="clamped-places">
      {href === undefined ? (
        <span class="clamped">{from}</span>
      ) : (
        <a class="clamped" href={href} title={from}>
          {from}
        </a>
      )}
      {to !== undefined && (
        <span class="to clamped" title={to}>
          → {to}
        </span>
      )}
      {error !== undefined && (
        <span class="row-error clamped" title={error}>
          {error}
        </span>
      )}
    </div>
  );
}
