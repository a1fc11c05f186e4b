/**
 * Lets V8's old generation grow by 70 % at most between collections, which keeps less garbage (docs/performance.md). V8
 * reads it at each collection: a process that runs already can be told, which it cannot be of the young generation's size.
 */
export const heapGrowthFlag = "--heap-growing-percent=70";
