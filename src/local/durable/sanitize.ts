const credentialMarks = [
  "Token=",
  "DefaultEndpointsProtocol=http",
  "AccountKey=",
  "Data Source=",
  "Server=",
  "Password=",
  "pwd=",
  "&amp;sig=",
  "&sig=",
  "?sig=",
  "SharedAccessKey=",
  "&amp;code=",
  "&code=",
  "?code=",
  "key=",
];
const mark = new RegExp(
  `(?:${credentialMarks.map((text) => text.replace(/[?&]/g, "\\$&")).join("|")})[^<"'\\r\\n]*`,
  "gi",
);

/**
 * What the genuine host leaves of a message: text that looks like a credential is cut up to the next quote or line end.
 * That also cuts into the JSON which an orchestrator's failure carries, and can make it unreadable (azure-functions-host
 * #11896). Source: azure-functions-host, Sanitizer.cs.
 */
export function sanitize(message: string): string {
  return message.replace(mark, "[Hidden Credential]");
}

/** Whether the genuine host would hide part of this text. */
export function holdsCredential(text: string): boolean {
  return sanitize(text) !== text;
}
