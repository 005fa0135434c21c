/** Says that a process is there, and allots the shares by which processes go on without Redis. */
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * ARGV after the common nine: 1 to stay or 0 to leave. Adds to the reply the share of this process (millionths).
 *
 * Shares are handed out as tokens are: all that processes may know of never add up to more than the whole. So one that has
 * just come has none until the others have said that they know of their smaller ones. One that is alone has half: were it
 * to die with all of it, who takes its place would have nothing for as long as shares are kept.
 */
const PRESENT_LUA = `
if ARGV[10] == '1' then
  local free = WHOLE - (allotted - share) - math.max(0, lost)
  local told = math.max(0, math.min(math.floor(WHOLE / math.max(2, call('HLEN', KEYS[2]))), free))
  hear(math.max(tonumber(ARGV[8]), told))
  reply[5] = told
else
  hear(0)
  call('HDEL', KEYS[2], ARGV[1])
  live = live - 1
  reply[5] = 0
end
remember()
return reply
`

/** Tells that the process is there. */
export const BE_PRESENT: Script = script('be-present', MEMORY_LUA, PRESENT_LUA)
