import type { Subject } from '@holdfast/testing'

/** Nothing at all. */
export const bare: Subject = {
  name: 'bare',
  make: () => (_request, connection) => connection.send(),
}
