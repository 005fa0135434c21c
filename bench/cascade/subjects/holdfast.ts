import type { ServiceFacts, Subject } from '@holdfast/testing'
import { createResilience, type ProfileName, type RateLimit, type ServiceOptions } from 'holdfast'
import { Orders } from './orders.ts'

/** A profile as shipped, with what the operator knows of the service: its limit, its timeout, how many at once. */
function settingsFor(profile: ProfileName, { attemptTimeoutMs, maxConcurrent, limit }: ServiceFacts): ServiceOptions {
  return {
    profile,
    attemptTimeoutMs,
    bulkhead: { maxConcurrent },
    rateLimiter: limit === undefined ? false : evenly(limit),
  }
}

/**
 * Evenly spaced: one at a time, and what comes in during two milliseconds besides, since a timer may be so late. One
 * percent below what is published, since the provider counts requests where they arrive.
 */
function evenly({ requests, windowMs }: NonNullable<ServiceFacts['limit']>): RateLimit {
  const tokensPerSecond = (0.99 * 1_000 * requests) / windowMs
  return { tokensPerSecond, burstSize: 1 + 0.002 * tokensPerSecond }
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
