import type { ServiceFacts, Subject } from '@holdfast/testing'
import { createResilience, type ProfileName, type ServiceOptions } from 'holdfast'
import { Orders } from './orders.ts'

/** A profile as shipped, with what the operator knows of the service: its limit, its timeout, how many at once. */
function settingsFor(profile: ProfileName, { attemptTimeoutMs, maxConcurrent, limit }: ServiceFacts): ServiceOptions {
  return {
    profile,
    attemptTimeoutMs,
    bulkhead: { maxConcurrent },
    // One percent below what is published, since requests are counted where they arrive, and evenly spaced.
    rateLimiter:
      limit === undefined ? false : { tokensPerSecond: (990 * limit.requests) / limit.windowMs, burstSize: 1 },
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
      const orders = new Map<string, Orders>()
      return ({ id, route, key, deadlineAt }, connection) => {
        const service = resilience.service(route.upstream)
        const timeoutMs = Math.max(1, deadlineAt - clock.now())
        if (route.kind !== 'order') {
          const priority = route.kind === 'cancel' ? 'critical' : 'normal'
          return service.execute(({ signal }) => connection.send(signal), {
            idempotent: true,
            key,
            priority,
            timeoutMs,
          })
        }
        const desk = orders.get(route.upstream) ?? new Orders(service, clock)
        orders.set(route.upstream, desk)
        return desk.place(id, connection, timeoutMs)
      }
    },
  }
}
