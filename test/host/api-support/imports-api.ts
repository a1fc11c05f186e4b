import type { ImportView } from "../../../src/domain/import-view.ts";
import { image } from "../../helpers/images.ts";
import { type Api, readImport, startApi } from "./start-api.ts";

export interface ImportsApi extends Api {
  /** The source of a request; `team/app:1` is there. */
  readonly from: (reference?: string) => string;
  readonly start: (request: object) => Promise<ImportView>;
  /** An import that stands still while the source does not answer, until it is let go. */
  readonly startHeld: (request?: object) => Promise<{ readonly id: string; readonly release: () => void }>;
}

/** An API with an image to import. */
export async function startImportsApi(): Promise<ImportsApi> {
  const api = await startApi();
  await api.source.seedImage("team/app", "1", image({ layers: [1_000, 2_000] }));
  const from = (reference = "team/app:1") => `${api.source.host}/${reference}`;
  const start = async (request: object) => readImport(await api.post("/api/imports", request));
  return {
    ...api,
    from,
    start,
    startHeld: async (request = {}) => {
      const hold = api.source.hold({ kind: "manifest-get" });
      const { id } = await start({ source: from(), targetTags: [`held/app:${crypto.randomUUID()}`], ...request });
      await hold.reached;
      return { id, release: hold.release };
    },
  };
}
