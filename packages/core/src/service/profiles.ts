import type { ServiceSettings } from './service-settings.ts'

/** The profiles that every platform starts with. */
export type ProfileName = 'BROKER' | 'DATA_PROVIDER' | 'INTERNAL'

/**
 * Settings for the three kinds of service that a trading platform calls:
 * - `BROKER`, strict: few retries, only of what is idempotent or was never sent; opens early; a lane for what is critical;
 * - `DATA_PROVIDER`, moderate: patient retries, small rate;
 * - `INTERNAL`, relaxed: quick retries, many at once.
 */
export const PROFILES: Readonly<Record<ProfileName, ServiceSettings>> = {
  BROKER: {
    timeoutMs: 15_000,
    attemptTimeoutMs: 5_000,
    circuitBreaker: {
      failureThreshold: 3,
      streakProbability: 1e-6,
      recoveryTimeoutMs: 15_000,
      probeShare: 0.04,
      minProbeIntervalMs: 250,
      maxProbes: 1,
      criticalProbes: true,
      parkingMs: 600,
      maxKeys: 1_000,
    },
    retryBudget: { capacity: 20 },
    retry: { maxRetries: 2, baseDelayMs: 250, maxDelayMs: 5_000, assumeIdempotent: false },
    rateLimiter: { tokensPerSecond: 3, burstSize: 10, criticalShare: 0.2 },
    bulkhead: { maxConcurrent: 5, maxQueue: 20, acquireTimeoutMs: 1_000, criticalShare: 0.2 },
  },
  DATA_PROVIDER: {
    timeoutMs: 60_000,
    attemptTimeoutMs: 10_000,
    circuitBreaker: {
      failureThreshold: 5,
      streakProbability: 1e-6,
      recoveryTimeoutMs: 30_000,
      probeShare: 0.04,
      minProbeIntervalMs: 250,
      maxProbes: 1,
      parkingMs: 600,
      maxKeys: 1_000,
    },
    retryBudget: { capacity: 20 },
    retry: { maxRetries: 3, baseDelayMs: 1_000, maxDelayMs: 60_000 },
    rateLimiter: { tokensPerSecond: 5, burstSize: 10 },
    bulkhead: { maxConcurrent: 10, maxQueue: 1_000, acquireTimeoutMs: 5_000 },
  },
  INTERNAL: {
    timeoutMs: 30_000,
    attemptTimeoutMs: 10_000,
    circuitBreaker: {
      failureThreshold: 10,
      streakProbability: 1e-6,
      recoveryTimeoutMs: 5_000,
      probeShare: 0.04,
      minProbeIntervalMs: 100,
      maxProbes: 2,
      parkingMs: 600,
      maxKeys: 1_000,
    },
    retryBudget: { capacity: 50 },
    retry: { maxRetries: 5, baseDelayMs: 150, maxDelayMs: 2_000, jitter: 'equal' },
    rateLimiter: { tokensPerSecond: 100, burstSize: 200 },
    bulkhead: { maxConcurrent: 50, maxQueue: 2_000, acquireTimeoutMs: 5_000 },
  },
}
