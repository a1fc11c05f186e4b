import { useState } from "preact/hooks";
import { formatBytes, formatDuration } from "../../domain/quantities.ts";
import { buildTrees, nameKind, summarize, type TreeNode, type TreePart, wayOf } from "./part-tree.ts";

/** The manifests and blobs of an import or a plan as trees, one per target repository. */
export function PartsList({ parts }: { readonly parts: readonly TreePart[] }) {
  return (
    <>
      {buildTrees(parts).map(({ repository, roots }) => (
        <div key={repository} class="tree">
          <h3>{repository}</h3>
          <Nodes nodes={roots} depth={0} />
        </div>
      ))}
    </>
  );
}

function Nodes({ nodes, depth }: { readonly nodes: readonly TreeNode[]; readonly depth: number }) {
  return (
    <ul class="nodes">
      {nodes.map((node) => (
        <li key={node.part.digest}>
          {node.part.kind === "manifest" ? <Manifest node={node} depth={depth} /> : <Blob part={node.part} />}
        </li>
      ))}
    </ul>
  );
}

const openDepth = 1; // the image itself; what it consists of is made when it is opened

function Manifest({ node, depth }: { readonly node: TreeNode; readonly depth: number }) {
  const [isOpen, setOpen] = useState(depth < openDepth);
  const { part, children } = node;
  const { blobs, done, bytes } = summarize(node);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="part">
        <Way part={part} />
        <span class="what">
          {nameKind(part)}
          {part.platform !== undefined && <strong> {part.platform}</strong>}
        </span>
        <Digest digest={part.digest} />
        <span class="amount">
          {done} of {blobs} blobs, {formatBytes(bytes)}
        </span>
        {part.tags !== undefined && <span class="tags">{part.tags.join(", ")}</span>}
      </summary>
      {isOpen && <Nodes nodes={children} depth={depth + 1} />}
    </details>
  );
}

function Blob({ part }: { readonly part: TreePart }) {
  const { digest, sizeBytes } = part;
  const { ms = undefined, attempts = undefined } = "state" in part ? part : {};
  return (
    <div class="part">
      <Way part={part} />
      <span class="what" title={part.mediaType}>
        {nameKind(part)}
      </span>
      <Digest digest={digest} />
      <span class="amount">
        {formatBytes(sizeBytes)}
        {ms !== undefined && ms > 0 && ` in ${formatDuration(ms / 1_000)}`}
        {attempts !== undefined && attempts > 1 && `, ${attempts} attempts`}
      </span>
    </div>
  );
}

function Way({ part }: { readonly part: TreePart }) {
  const way = wayOf(part);
  return <span class={`way ${way}`}>{way}</span>;
}

const shownDigestChars = 12;

/** Enough of a digest to tell it from others; all of it on hover. */
function Digest({ digest }: { readonly digest: string }) {
  const [algorithm = "", hash = ""] = digest.split(":");
  return (
    <code class="digest" title={digest}>
      {algorithm}:{hash.slice(0, shownDigestChars)}…
    </code>
  );
}
