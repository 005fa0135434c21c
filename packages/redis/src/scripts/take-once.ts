/** Takes tokens of many buckets of one limit, for one decision each: no lease is kept. */
import { BUCKET_LUA } from './bucket-lua.ts'
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: the state of each bucket. ARGV after the common nine: rate (negative for a limit that is shared
 * out without Redis), burst (tokens), flight (microseconds:
 * how long after this the tokens may still be spent), then for each bucket the grains wanted, or one number for all. Adds to
 * the reply: what is left in buckets that nobody had used for long; rate and burst of those who use a bucket with another
 * limit, or 0; then two numbers for each bucket of which the first does not hold: which one it is, and what is left if the
 * tokens were taken, −1 − the wait in microseconds if not, −2^52 where others use it with another limit.
 *
 * Tokens in flight are counted in two slices of one flight each, so that what is still in the air is never forgotten early,
 * and one bucket needs no list of decisions.
 */
const ONCE_LUA = `
local limit, flight = limitOf(tonumber(ARGV[10]), tonumber(ARGV[11])), tonumber(ARGV[12])
local otherRate, otherBurst

local function take(bucket, want)
  bucket.tokens = bucket.tokens - want
  if bucket.flying1 > 0 and bucket.lands1 - limit.now >= flight then
    bucket.flying1 = bucket.flying1 + want
  else
    bucket.flying0 = bucket.flying0 + bucket.flying1
    bucket.lands0 = math.max(bucket.lands0, bucket.lands1)
    bucket.flying1, bucket.lands1 = want, limit.now + 2 * flight
  end
end

-- Buckets that nobody has used for long are not there, and all alike: what is left in them, what is saved and for how long
-- is worked out once, and the command that writes them finds out whether they are not there.
local unused = emptyBucket(limit)
elapse(unused)
local common, full = tonumber(ARGV[13]), unused.tokens
local taken, expiry
if common and full >= common then
  take(unused, common)
  taken = pack(SHORT, unused.tokens, unused.updated, unused.flying1, unused.lands1, limit.rate, limit.burst)
  expiry = tostring(keptMs(limit, unused.lands1 - limit.now + (limit.whole - unused.tokens) / limit.flow))
end

local function answer(key, want)
  local saved = call('GET', key)
  local bucket, foundRate, foundBurst
  if saved then bucket, foundRate, foundBurst = read(saved, limit) else bucket = emptyBucket(limit) end
  if not bucket then
    otherRate, otherBurst = foundRate, foundBurst
    return -4503599627370496
  end
  elapse(bucket)
  if bucket.tokens < want then return -1 - waitFor(bucket, want) end
  take(bucket, want)
  save(key, bucket)
  return bucket.tokens
end

local wants, told = #ARGV > 13, 7
for i = 3, #KEYS do
  local key, want = KEYS[i], common
  if wants then want = tonumber(ARGV[10 + i]) end
  if want ~= common or not taken or not call('SET', key, taken, 'NX', 'PX', expiry) then
    reply[told + 1], reply[told + 2] = i - 3, answer(key, want)
    told = told + 2
  end
end
reply[5], reply[6], reply[7] = unused.tokens, 0, 0
if otherRate then reply[6], reply[7] = string.format('%.17g', otherRate), string.format('%.17g', otherBurst) end
return reply
`

/** Takes tokens for one decision each. */
export const TAKE_ONCE: Script = script('take-once', MEMORY_LUA, BUCKET_LUA, ONCE_LUA)
