type Work<Result> = (signal: AbortSignal) => Promise<Result>;

/**
 * Does two things at once. The first that fails ends the other one, and is thrown when that has ended, so that nobody
 * works on behind the caller's back.
 */
export async function both<One, Other>(
  one: Work<One>,
  other: Work<Other>,
  signal: AbortSignal,
): Promise<readonly [One, Other]> {
  const failure = new AbortController();
  const joined = AbortSignal.any([signal, failure.signal]);
  const run = async <Result>(work: Work<Result>): Promise<Result> => {
    try {
      return await work(joined);
    } catch (thrown) {
      failure.abort(thrown); // only the first one counts
      throw thrown;
    }
  };
  const [first, second] = await Promise.allSettled([run(one), run(other)]);
  if (first.status === "rejected" || second.status === "rejected") throw failure.signal.reason;
  return [first.value, second.value];
}
