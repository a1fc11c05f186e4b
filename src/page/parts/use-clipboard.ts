import { useState } from "preact/hooks";

/** Copies texts, and says in words what came of it. */
export function useClipboard() {
  const [result, setResult] = useState("");
  const copy = (text: string) => {
    const done = () => setResult("Copied");
    const failed = () => setResult("The browser does not let the page copy: select the text");
    navigator.clipboard?.writeText(text).then(done, failed) ?? failed(); // only where the page came by https or locally
  };
  return { result, copy };
}
