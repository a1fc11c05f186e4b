/** The longest time, in seconds, that an import may be given. */
export const maxTimeoutSeconds = 7 * 24 * 3_600;
