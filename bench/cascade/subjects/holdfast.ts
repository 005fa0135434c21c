import type { ServiceFacts, Subject } from '@holdfast/testing'
import { createResilience, type ProfileName, type ServiceOptions } from 'holdfast'

/** A profile as shipped, with what the operator knows of the service: its limit, its timeout, how many at once. */
function settingsFor(profile: ProfileName, { attemptTimeoutMs, maxConcurrent, limit }: ServiceFacts): ServiceOptions {
  return {
    profile,
    attemptTimeoutMs,
    bulkhead: { maxConcurrent },
    rateLimiter:
      limit === undefined ? false : { tokensPerSecond: (limit.requests * 1_000) / limit.windowMs, burstSize: 1 },
  }
}

/** A service of Holdfast's. */
export function holdfast(profile: ProfileName): Subject {
  return {
    name: `holdfast ${profile}`,
    make({ clock, random, services }) {
      const resilience = createResilience({
        clock,
        random,
        services: Object.fromEntries(
          Object.entries(services).map(([name, facts]) => [name, settingsFor(profile, facts)]),
        ),
      })
      return ({ route, deadlineAt }, connection) =>
        resilience.service(route.upstream).execute(({ signal }) => connection.send(signal), {
          idempotent: route.kind !== 'order',
          timeoutMs: Math.max(1, deadlineAt - clock.now()),
        })
    },
  }
}
