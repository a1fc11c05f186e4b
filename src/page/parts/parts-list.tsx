import { useState } from "preact/hooks";
import { formatBytes, formatDuration } from "../../domain/quantities.ts";
import { CopyableDigest, ShortDigest } from "./copyable-digest.tsx";
import {
  buildTrees,
  type Fate,
  firstNodes,
  isUnlisted,
  leadsTo,
  nameKind,
  summarize,
  type TreeNode,
  type TreePart,
  wayNames,
  wayOf,
} from "./part-tree.ts";

export interface PartsListProps {
  readonly parts: readonly TreePart[];
  readonly fate: Fate;
}

/** The manifests and blobs of an import or a plan as trees, one per target repository. */
export function PartsList({ parts, fate }: PartsListProps) {
  return (
    <>
      {buildTrees(parts).map(({ repository, roots }) => (
        <div key={repository} class="tree">
          <h3>{repository}</h3>
          <Nodes nodes={roots} depth={0} fate={fate} />
        </div>
      ))}
    </>
  );
}

interface NodesProps {
  readonly nodes: readonly TreeNode[];
  readonly depth: number;
  readonly fate: Fate;
}

function Nodes({ nodes, depth, fate }: NodesProps) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? nodes : firstNodes(nodes, fate.failedDigest);
  return (
    <>
      <ul class="nodes">
        {shown.map((node) => (
          <li key={node.part.digest}>
            {node.part.kind === "manifest" ? (
              <Manifest node={node} depth={depth} fate={fate} />
            ) : (
              <Blob part={node.part} fate={fate} />
            )}
          </li>
        ))}
      </ul>
      {shown.length < nodes.length && (
        <button type="button" onClick={() => setWhole(true)}>
          Show {nodes.length - shown.length} more
        </button>
      )}
    </>
  );
}

const openDepth = 1; // the image itself; what it consists of is made when it is opened

function Manifest({ node, depth, fate }: { readonly node: TreeNode; readonly depth: number; readonly fate: Fate }) {
  const [isOpen, setOpen] = useState(
    depth < openDepth || (fate.failedDigest !== undefined && leadsTo(node, fate.failedDigest)),
  );
  const { part, children } = node;
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="part">
        <WayBadge part={part} fate={fate} />
        <span class="what">
          {nameKind(part)}
          {part.platform !== undefined && (
            <strong>
              {" "}
              <bdi>{part.platform}</bdi>
            </strong>
          )}
        </span>
        {!isOpen && <ShortDigest digest={part.digest} />}
        <span class="amount">{amountOf(node)}</span>
        {part.tags !== undefined && <span class="tags">{part.tags.join(", ")}</span>}
      </summary>
      {isOpen && (
        <>
          <CopyableDigest digest={part.digest} />
          <Nodes nodes={children} depth={depth + 1} fate={fate} />
        </>
      )}
    </details>
  );
}

function amountOf(node: TreeNode): string {
  if (isUnlisted(node)) return "too large to list its layers here";
  const { blobs, done, bytes } = summarize(node);
  return `${done} of ${blobs} blobs, ${formatBytes(bytes)}`;
}

function Blob({ part, fate }: { readonly part: TreePart; readonly fate: Fate }) {
  const { digest, sizeBytes } = part;
  const { ms = undefined, attempts = undefined } = "state" in part ? part : {};
  return (
    <div class="part">
      <WayBadge part={part} fate={fate} />
      <span class="what" title={part.mediaType}>
        {nameKind(part)}
      </span>
      <CopyableDigest digest={digest} />
      <span class="amount">
        {formatBytes(sizeBytes)}
        {ms !== undefined && ms > 0 && ` in ${formatDuration(ms / 1_000)}`}
        {attempts !== undefined && attempts > 1 && `, ${attempts} attempts`}
      </span>
    </div>
  );
}

function WayBadge({ part, fate }: { readonly part: TreePart; readonly fate: Fate }) {
  const way = wayOf(part, fate);
  return <span class={`way ${way}`}>{wayNames[way]}</span>;
}
