import { fileURLToPath } from 'node:url'

/** Where the page stands once it is built (`npm run build:console`; `npm start` does it when something has changed). */
export const CONSOLE_FOLDER: string = fileURLToPath(new URL('dist', import.meta.url))
