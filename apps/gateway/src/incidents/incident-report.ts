import type { Happening, Incident } from '@holdfast/console/api'

/** An incident as a Markdown text, to be put into a ticket or a post-mortem. All times are UTC. */
export function incidentReport(incident: Incident, happenings: readonly Happening[]): string {
  const { service, openedAt, closedAt, cause, ending, refused, waitLimitMs, ordersInDoubt } = incident
  const lasted = closedAt === null ? 'it lasts' : durationText(closedAt - openedAt)
  const lines = [
    `# ${plain(service)}: circuit open ${timeText(openedAt)}`,
    '',
    `| | |`,
    `| --- | --- |`,
    `| opened | ${timeText(openedAt)}: ${plain(cause)} |`,
    `| closed | ${closedAt === null ? 'not yet' : `${timeText(closedAt)}: ${plain(ending ?? '')}`} |`,
    `| lasted | ${lasted} |`,
    `| calls refused at once by the open circuit | ${refused.circuit} |`,
    ...(waitLimitMs === null
      ? []
      : [`| waiting they were saved, at most | ${durationText(refused.circuit * waitLimitMs)} |`]),
    `| calls refused by limit, by slots | ${refused.limit}, ${refused.slots} |`,
    `| calls that failed | ${incident.failed}, of which attempts out of time: ${incident.timeouts} |`,
    `| retries | ${incident.retries} |`,
    `| probes that failed | ${incident.reopened} |`,
  ]
  if (ordersInDoubt !== null) {
    lines.push('', '## Orders in doubt', '')
    if (ordersInDoubt.length === 0) lines.push('None.')
    for (const { id, ending: how } of ordersInDoubt)
      lines.push(`- ${plain(id)}: ${how === null ? 'still in doubt' : plain(how)}`)
  }
  lines.push('', '## What happened', '')
  for (const { at, service: of, text, who } of happenings) {
    lines.push(`- ${timeText(at)} ${[who ?? of ?? 'platform', text].map(plain).join(' ')}`)
  }
  return `${lines.join('\n')}\n`
}

/** A text that means nothing to Markdown or HTML. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>|#!~]/g, (mark) => `\\${mark}`)
}

function timeText(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19)
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  const parts = [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const told = parts.filter(([amount], index) => amount > 0 || index === 2)
  return told.map(([amount, unit]) => `${amount} ${unit}`).join(' ')
}
