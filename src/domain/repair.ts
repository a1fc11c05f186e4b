import type { ImportPlan, Unit } from "./import-plan.ts";

/** All that several steps of one round have found missing at the target. */
export function joinRepairs(repairs: readonly ImportPlan[]): ImportPlan {
  const units = repairs.flatMap((repair) => repair.units).map(({ blobs }, n): Unit => ({ n, blobs }));
  const depth = Math.max(0, ...repairs.map(({ levels }) => levels.length));
  // A level may refer to the one before it: aligned at their last, none comes before what it refers to.
  const levels = Array.from({ length: depth }, (_, at) => [
    ...new Set(repairs.flatMap((repair) => repair.levels[at - depth + repair.levels.length] ?? [])),
  ]);
  return { v: 1, kind: "copy", units, large: [], levels, ...joinVerify(repairs) };
}

/** What is left of a plan, with what is to be copied and published again before it. */
export function withRepair(left: ImportPlan, repair: ImportPlan): ImportPlan {
  const { units, levels } = repair;
  return { v: 1, kind: "copy", units, large: [], levels: [...levels, ...left.levels], ...joinVerify([left, repair]) };
}

function joinVerify(plans: readonly ImportPlan[]): Pick<ImportPlan, "verify"> {
  if (plans.every(({ verify }) => verify === undefined)) return {};
  return { verify: plans.flatMap(({ verify = [] }) => verify) };
}
