import type { ComponentChild } from "preact";

export interface RowsTableColumn {
  readonly name: string;
  /** A class of page.css for its cells. */
  readonly look?: string;
  /** Its cells name their rows. */
  readonly isHeading?: boolean;
}

export interface RowsTableProps {
  /** For those who do not see it. */
  readonly caption: string;
  readonly columns: readonly RowsTableColumn[];
  /** A cell per column. */
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChild[] }[];
}

/**
 * A list as a table. On a narrow screen, or a magnified one, each row stands as a block whose cells name their columns;
 * the roles are told because browsers take an element that is laid out as a block for no part of a table.
 */
export function RowsTable({ caption, columns, rows }: RowsTableProps) {
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: laid out as blocks, the elements lose the roles that they have
    // biome-ignore-start lint/a11y/useSemanticElements: they are those elements
    <div class="list">
      <table class="rows" role="table">
        <caption class="unseen">{caption}</caption>
        <colgroup>
          {columns.map(({ name, look }) => (
            <col key={name} class={look} />
          ))}
        </colgroup>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name }) => (
              <th key={name} scope="col" role="columnheader">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(({ key, cells }) => (
            <tr key={key} role="row">
              {columns.map(({ name, look, isHeading = false }, at) =>
                isHeading ? (
                  <th key={name} scope="row" role="rowheader" class={look}>
                    {cells[at]}
                  </th>
                ) : (
                  <td key={name} role="cell" class={look} data-label={name}>
                    {cells[at]}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    // biome-ignore-end lint/a11y/useSemanticElements: they are those elements
    // biome-ignore-end lint/a11y/noRedundantRoles: laid out as blocks, the elements lose the roles that they have
  );
}
