/** The series that are known: employment in the United States, from a public data set. */
import { dataset } from '../market/history.ts'

/** What is known of a series. */
export interface Series {
  readonly id: string
  readonly title: string
  /** Months in order, with their figures. */
  readonly observations: readonly Observation[]
}

/** A date, `2015-12-01`, and its figure; null when it is missing. */
export interface Observation {
  readonly date: string
  readonly value: number | null
}

/** Which column of the data set is which series. */
const COLUMNS: readonly (readonly [id: string, title: string])[] = [
  ['PAYEMS', 'All Employees, Total Nonfarm'],
  ['USPRIV', 'All Employees, Total Private'],
  ['USGOOD', 'All Employees, Goods-Producing'],
  ['SRVPRD', 'All Employees, Service-Providing'],
  ['CES0800000001', 'All Employees, Private Service-Providing'],
  ['USMINE', 'All Employees, Mining and Logging'],
  ['USCONS', 'All Employees, Construction'],
  ['MANEMP', 'All Employees, Manufacturing'],
  ['DMANEMP', 'All Employees, Durable Goods'],
  ['NDMANEMP', 'All Employees, Nondurable Goods'],
  ['USTPU', 'All Employees, Trade, Transportation, and Utilities'],
  ['USWTRADE', 'All Employees, Wholesale Trade'],
  ['USTRADE', 'All Employees, Retail Trade'],
  ['CES4300000001', 'All Employees, Transportation and Warehousing'],
  ['CES4422000001', 'All Employees, Utilities'],
  ['USINFO', 'All Employees, Information'],
  ['USFIRE', 'All Employees, Financial Activities'],
  ['USPBS', 'All Employees, Professional and Business Services'],
  ['USEHS', 'All Employees, Private Education and Health Services'],
  ['USLAH', 'All Employees, Leisure and Hospitality'],
  ['USSERV', 'All Employees, Other Services'],
  ['USGOVT', 'All Employees, Government'],
]

/** A series by its id, in capital letters. */
export function seriesOf(id: string): Series | undefined {
  const column = COLUMNS.findIndex(([known]) => known === id)
  const [, title = ''] = COLUMNS[column] ?? []
  if (column < 0) return undefined
  const observations = dataset('us-employment.csv').map(([date = '', ...figures]) => ({
    date,
    value: Number(figures[column]),
  }))
  return { id, title, observations }
}
