/** Who is in the fleet, as Redis knows it. */
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/** Adds to the reply for each process, by name: its id, microseconds since it was heard of, its share, whether it uses it. */
const SEE_LUA = `
local known = call('HGETALL', KEYS[2])
local ids, found = {}, {}
for i = 1, #known, 2 do
  ids[#ids + 1] = known[i]
  found[known[i]] = known[i + 1]
end
table.sort(ids)
for _, id in ipairs(ids) do
  local heard, kept, isUsed = unpack(MEMBER, found[id])
  reply[#reply + 1] = id
  reply[#reply + 1] = now - heard
  reply[#reply + 1] = kept
  reply[#reply + 1] = isUsed
end
return reply
`

/** Tells who is there. */
export const SEE_MEMBERS: Script = script('see-members', MEMORY_LUA, SEE_LUA)
