import type { ComponentChildren } from "preact";

export interface NoticeProps {
  readonly tone: "bad" | "neutral" | "good";
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** Something that the reader should know; a bad one is read out at once. */
export function Notice({ tone, title, children }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <p class="notice-title">{title}</p>
      {children}
    </div>
  );
}
