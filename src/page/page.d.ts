/** A document of docs/, bundled as text. */
declare module "*.md" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: that is how the bundler exports a text
  export default text;
}
declare module "*.css";
