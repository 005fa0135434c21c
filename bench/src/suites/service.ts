/** The service that everybody calls: as quick as can be, so that what is measured is what stands round it. */
export const answer = async (): Promise<number> => 1

/** The error that services and baselines reject with; one for all, so that making it costs nothing. */
export const FAILURE: Error = Object.assign(new Error('unavailable'), { status: 503 })

/** Far more than any loop can use: a limit that admits everything, at the cost of looking. */
export const UNLIMITED = 1e9
