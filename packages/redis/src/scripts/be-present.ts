/** Says that a process is there, and counts the processes. */
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS: 1 memory, 2 the processes by when they were last heard of, 3 by when they came. ARGV after the common five: for how
 * long a silent process is counted (microseconds), 1 to stay or 0 to leave. Adds to the reply: how many processes there are,
 * and how many of them came before this one (−1 when it has left).
 */
const PRESENT_LUA = `
local kept = tonumber(ARGV[6])
for _, silent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - kept)) do
  redis.call('ZREM', KEYS[2], silent)
  redis.call('ZREM', KEYS[3], silent)
end
if ARGV[7] == '1' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
  redis.call('ZADD', KEYS[3], 'NX', now, ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
local expiry = math.ceil(kept / 1000)
redis.call('PEXPIRE', KEYS[2], expiry)
redis.call('PEXPIRE', KEYS[3], expiry)
reply[4] = redis.call('ZCARD', KEYS[2])
reply[5] = redis.call('ZRANK', KEYS[3], ARGV[1]) or -1
return reply
`

/** Tells that the process is there. */
export const BE_PRESENT: Script = script('be-present', MEMORY_LUA, PRESENT_LUA)
