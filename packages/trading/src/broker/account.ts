/** An account. Figures of money are decimal texts in the account's currency. */
export interface Account {
  readonly id: string
  /** In the broker's words; null where it tells none, as Interactive Brokers. */
  readonly status: string | null
  readonly currency: string
  readonly cash: string
  readonly buyingPower: string
  readonly equity: string
  /** Whether the broker keeps it from trading; null where it does not tell before an order is refused, as Interactive Brokers. */
  readonly tradingBlocked: boolean | null
}

/** What is held of one symbol. */
export interface Position {
  readonly symbol: string
  readonly side: string
  readonly quantity: string
  readonly averageEntryPrice: string
  readonly marketValue: string
  readonly costBasis: string
  readonly unrealizedProfit: string
  readonly currentPrice: string
}
