/** An awaited action, or one child of it: done when it, one of its children or all of them have ended. */
export interface Node {
  readonly parent: Node | undefined;
  isDone: boolean;
  /** Children still to end before this one is done. */
  waitsFor: number;
}

export function createNode(parent: Node | undefined): Node {
  return { parent, isDone: false, waitsFor: 0 };
}

/** Ends a leaf and, where that decides them, its ancestors. Returns the topmost node that this has ended. */
export function endNode(leaf: Node): Node {
  let node = leaf;
  node.isDone = true;
  while (node.parent && !node.parent.isDone) {
    node.parent.waitsFor -= 1;
    if (node.parent.waitsFor > 0) break;
    node = node.parent;
    node.isDone = true;
  }
  return node;
}
