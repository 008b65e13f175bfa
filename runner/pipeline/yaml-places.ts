import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';

/** Line of a key or item of a document, through aliases and merge keys; that of the nearest thing above it otherwise. */
export function lineAt(document: Document, counter: LineCounter, path: (string | number)[]): number {
  let node = document.contents as Node | null | undefined;
  let offset = 0;
  for (const step of path) {
    const found = stepInto(document, node, step);
    if (!found) break;
    offset = found.offset ?? offset;
    node = found.node;
  }
  return counter.linePos(offset).line;
}

interface Found {
  node: Node | null | undefined;
  offset: number | undefined;
}

function stepInto(document: Document, start: Node | null | undefined, step: string | number): Found | undefined {
  const node = isAlias(start) ? start.resolve(document) : start;
  if (isSeq(node)) {
    const item = typeof step === 'number' ? (node.items[step] as Node | undefined) : undefined;
    return item && { node: item, offset: item.range?.[0] };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair) return { node: pair.value as Node, offset: (pair.key as Node).range?.[0] };
  const merged = node.items.find(({ key }) => isScalar(key) && key.source === '<<')?.value as Node | undefined;
  const sources = isSeq(merged) ? (merged.items as Node[]) : merged ? [merged] : [];
  for (const source of sources) {
    const found = stepInto(document, source, step);
    if (found) return found;
  }
  return undefined;
}
