/** Leases tokens of any number of buckets, and takes the account of what was leased before. */
import { BUCKET_LUA } from './bucket-lua.ts'
import { HASHES_LUA } from './hashes-lua.ts'
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: for each bucket the two hashes of its limit, and its leases. ARGV, for each bucket after the
 * common nine: rate (tokens a second; negative for a limit that is shared out without Redis), burst (tokens), name of the
 * bucket, number of the question, kept, given back, needed, wanted (grains), life (microseconds). Adds to the reply for each
 * bucket: granted, kept, left, wait (microseconds), 1 if more is out than the bucket may now hold, so that all must be given
 * back; or −1, rate, burst of those who use the name with another limit; or −2 for a question that a newer one of the same
 * process has overtaken.
 *
 * A lease is one field of a hash: amount, when it lapses, number of the question. What a process neither keeps nor gives
 * back of it was spent.
 */
const LEASE_LUA = `
local LEASE = '<ddd'

-- Takes out leases that have lapsed, in the order in which they did.
local function sweep(key, bucket)
  if bucket.leased == 0 or bucket.earliest > bucket.limit.now or bucket.latest <= bucket.limit.now then return end
  local saved = call('HGETALL', key)
  local lapsed = {}
  local earliest = math.huge
  for i = 1, #saved, 2 do
    local amount, lapses = unpack(LEASE, saved[i + 1])
    if lapses <= bucket.limit.now then lapsed[#lapsed + 1] = { lapses, amount, saved[i] } else earliest = math.min(earliest, lapses) end
  end
  table.sort(lapsed, function(a, b) return a[1] < b[1] end)
  for _, lease in ipairs(lapsed) do
    flow(bucket, lease[1])
    bucket.leased = bucket.leased - lease[2]
    call('HDEL', key, lease[3])
  end
  if earliest < math.huge then bucket.earliest = earliest end
end

-- What this process holds as far as Redis knows; nil if it has asked a newer question since.
local function own(key, question, limit)
  local saved = call('HGET', key, ARGV[1])
  if not saved then return 0 end
  local amount, lapses, number = unpack(LEASE, saved)
  if lapses <= limit.now then return 0 end
  if number >= question then return nil end
  return amount
end

local function answer(leases, limit, at)
  local first, second, field = KEYS[leases - 2], KEYS[leases - 1], ARGV[at]
  leases = KEYS[leases]
  local question, held, back = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local need, want, life = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local hashes, otherRate, otherBurst = open(first, second, limit, life, { field })
  if not hashes then return { -1, string.format('%.17g', otherRate), string.format('%.17g', otherBurst), 0, 0 } end
  local saved = savedAt(hashes, 1)
  local bucket = saved and read(saved, limit) or emptyBucket(limit)
  -- All have lapsed: one that stayed would be taken off again when another lapses.
  if bucket.leased == 0 or bucket.latest <= limit.now then call('DEL', leases) end
  local had = own(leases, question, limit)
  if not had then return { -2, 0, 0, 0, 0 } end
  sweep(leases, bucket)
  elapse(bucket)
  local kept = math.min(held, had)
  bucket.tokens = bucket.tokens + math.min(back, had - kept)
  bucket.leased = bucket.leased - had
  local holders = call('HLEN', leases)
  if had == 0 then holders = holders + 1 end
  local granted = 0
  if want > 0 and bucket.tokens >= need then
    local share = math.max(need, math.floor(limit.size / (2 * holders)) - kept)
    granted = need + math.floor((math.min(want, bucket.tokens, share) - need) / limit.grains) * limit.grains
    bucket.tokens = bucket.tokens - granted
  end
  local amount, lapses = kept + granted, limit.now + life
  if amount > 0 then
    if bucket.leased == 0 then bucket.earliest, bucket.latest = lapses, lapses end
    bucket.earliest = math.min(bucket.earliest, lapses)
    bucket.latest = math.max(bucket.latest, lapses)
    bucket.leased = bucket.leased + amount
    call('HSET', leases, ARGV[1], pack(LEASE, amount, lapses, question))
    call('PEXPIRE', leases, keptMs(limit, bucket.latest - limit.now))
  else
    call('HDEL', leases, ARGV[1])
  end
  change(hashes, field, packed(bucket))
  -- Where more is out than it may hold now, it takes longer than a period.
  hashes.period = math.max(hashes.period, periodOf(limit, life, bucket.tokens))
  write(hashes)
  return { granted, kept, math.max(0, bucket.tokens), waitFor(bucket, math.max(need, 1)),
    roomOf(bucket) < bucket.tokens and 1 or 0 }
end

for i = 1, (#KEYS - 2) / 3 do
  local at = 10 + (i - 1) * 9
  local told = answer(3 * i + 2, limitOf(tonumber(ARGV[at]), tonumber(ARGV[at + 1])), at + 2)
  for j = 1, 5 do reply[#reply + 1] = told[j] end
end
return reply
`

/** Leases tokens. */
export const LEASE_TOKENS: Script = script('lease-tokens', MEMORY_LUA, BUCKET_LUA, HASHES_LUA, LEASE_LUA)
