/** The shape of what is still to come. */
export function Loading() {
  return (
    <div class="skeleton" role="status">
      <span class="unseen">Loading…</span>
      <span />
      <span />
      <span />
    </div>
  );
}
