/** The slots of a semaphore that a fleet shares: who holds one, and until when. */
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: holders by when their slot lapses. ARGV after the common nine: how many slots there are, how long a slot
 * is held without word (microseconds), then pairs of what is done (`take`, `keep`, `give`) and the name of a slot. Adds to
 * the reply for each pair 1 if the slot is held now, 0 if not; then how many are held, and microseconds until the next
 * lapses (−1 if none is held).
 *
 * When Redis has begun to remember anew, no slot is given for as long as one lasts: holders of before may still be at work.
 * Those who say that they go on are believed, as long as there is room.
 */
const SLOTS_LUA = `
local slots, life = tonumber(ARGV[10]), tonumber(ARGV[11])
local certain = began - SETTLE + life
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
for i = 12, #ARGV, 2 do
  local act, name, held = ARGV[i], ARGV[i + 1], 0
  if act == 'give' then
    call('ZREM', KEYS[3], name)
  elseif call('ZSCORE', KEYS[3], name) then
    call('ZADD', KEYS[3], now + life, name)
    held = 1
  elseif call('ZCARD', KEYS[3]) < slots and ((act == 'take' and now >= certain) or (act == 'keep' and now < certain)) then
    call('ZADD', KEYS[3], now + life, name)
    held = 1
  end
  reply[#reply + 1] = held
end
reply[#reply + 1] = call('ZCARD', KEYS[3])
local first = call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
reply[#reply + 1] = first[2] and tonumber(first[2]) - now or -1
call('PEXPIRE', KEYS[3], math.ceil(life / 1000) + 1000)
return reply
`

/** Takes, keeps and gives back slots. */
export const HOLD_SLOTS: Script = script('hold-slots', MEMORY_LUA, SLOTS_LUA)
