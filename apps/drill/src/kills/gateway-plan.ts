/** What the gateway of the drill is told at its start. */
import { z } from 'zod'

const port = z.number().int().min(1).max(65_535)

export const gatewayPlan = z.strictObject({
  /** Where the broker's stand-in is. */
  brokerUrl: z.url(),
  /** A port at which nobody listens: connections to it are refused. */
  closedPort: port,
  /** Share of the connections that are refused. */
  refusedShare: z.number().min(0).max(1),
  /** File of the journal. */
  journal: z.string().min(1),
  seed: z.number().int().min(0),
})

/** What the gateway of the drill is told at its start. */
export type GatewayPlan = z.output<typeof gatewayPlan>
