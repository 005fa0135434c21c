/** The journal on disk. Needs `node:sqlite`: Node 22.13 or later. */
export { exportJournal } from './export-journal.ts'
export { type JournalOptions, openJournal } from './sqlite-journal.ts'
