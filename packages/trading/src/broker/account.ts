/** An account. Figures of money are decimal texts in the account's currency. */
export interface Account {
  readonly id: string
  readonly status: string
  readonly currency: string
  readonly cash: string
  readonly buyingPower: string
  readonly equity: string
  /** Whether the broker keeps it from trading. */
  readonly tradingBlocked: boolean
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
