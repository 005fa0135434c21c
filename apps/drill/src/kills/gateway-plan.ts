/** What the gateway of the drill is told at its start. */
import { z } from 'zod'

const port = z.number().int().min(1).max(65_535)

export const gatewayPlan = z.strictObject({
  /** Where Alpaca's stand-in is. */
  brokerUrl: z.url(),
  /** Where that of TWS is. */
  twsPort: port,
  /** A port at which nobody listens: connections to it are refused. */
  closedPort: port,
  /** Share of the connections to Alpaca that are refused. */
  refusedShare: z.number().min(0).max(1),
  /** File of the journal. */
  journal: z.string().min(1),
  seed: z.number().int().min(0),
})

/** What the gateway of the drill is told at its start. */
export type GatewayPlan = z.output<typeof gatewayPlan>
