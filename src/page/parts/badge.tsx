import type { Tone } from "../tones.ts";

/** A state, by word and colour. */
export function Badge({ text, tone }: { readonly text: string; readonly tone: Tone }) {
  return <span class={`badge ${tone}`}>{text}</span>;
}
