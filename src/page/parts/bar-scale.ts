const mostSteps = 4;

/** Where a scale ends: at a mark above the tallest bar. `steps` are the distances that marks may have, ascending. */
export function topOf(tallest: number, steps: readonly number[]): number {
  const stepsTo = (step: number) => Math.max(2, Math.floor(tallest / step) + 1);
  const step = steps.find((each) => stepsTo(each) <= mostSteps) ?? steps.at(-1) ?? 1;
  return stepsTo(step) * step;
}

/** The marks of a scale that ends at `top`, from 0 on. */
export function marksTo(top: number, steps: readonly number[]): number[] {
  const step = steps.find((each) => top / each <= mostSteps) ?? steps.at(-1) ?? 1;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, at) => at * step);
}
