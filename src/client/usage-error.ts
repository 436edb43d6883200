/** An argument that cannot be used. The message states what was expected. */
export class UsageError extends Error {}
