/** What the tests and the processes that they kill have in common. */
export const SLOTS = { maxConcurrent: 1, acquireTimeoutMs: 60_000, slotLeaseMs: 2_000 } as const
export const CIRCUIT = { failureThreshold: 1, recoveryTimeoutMs: 500, rampStepMs: 100 } as const
