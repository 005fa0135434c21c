/** Takes tokens of many buckets of one limit, for one decision each: no lease is kept. */
import { BUCKET_LUA } from './bucket-lua.ts'
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: the state of each bucket. ARGV after the common nine: rate (negative for a limit that is shared
 * out without Redis), burst (tokens), flight (microseconds:
 * how long after this the tokens may still be spent), then for each bucket the grains wanted, or one number for all. Adds to
 * the reply for each bucket one number: what is left if the tokens were taken; −1 − the wait in microseconds if not; −2^52 where others use the
 * bucket with another limit, whose rate and burst are then the last two of the reply.
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

-- Keys that nobody has used for long are all alike: what is there, what is saved and for how long is worked out once.
local unused = emptyBucket(limit)
elapse(unused)
local full, common, wants, taken, expiry = unused.tokens, tonumber(ARGV[13]), #ARGV > 13, nil, nil
if common and full >= common then
  take(unused, common)
  taken = pack(SHORT, unused.tokens, unused.updated, unused.flying1, unused.lands1, limit.rate, limit.burst)
  expiry = tostring(keptMs(limit, unused.lands1 - limit.now + (limit.whole - unused.tokens) / limit.flow))
end

for i = 3, #KEYS do
  local key, want = KEYS[i], common
  if wants then want = tonumber(ARGV[10 + i]) end
  local saved = call('GET', key)
  if not saved and taken and want == common then
    call('SET', key, taken, 'PX', expiry)
    reply[i + 2] = unused.tokens
  else
    local bucket, foundRate, foundBurst
    if saved then bucket, foundRate, foundBurst = read(saved, limit) else bucket = emptyBucket(limit) end
    if not bucket then
      otherRate, otherBurst = foundRate, foundBurst
      reply[i + 2] = -4503599627370496
    else
      elapse(bucket)
      if bucket.tokens >= want then
        take(bucket, want)
        save(key, bucket)
        reply[i + 2] = bucket.tokens
      else
        reply[i + 2] = -1 - waitFor(bucket, want)
      end
    end
  end
end
if otherRate then
  reply[#reply + 1] = string.format('%.17g', otherRate)
  reply[#reply + 1] = string.format('%.17g', otherBurst)
end
return reply
`

/** Takes tokens for one decision each. */
export const TAKE_ONCE: Script = script('take-once', MEMORY_LUA, BUCKET_LUA, ONCE_LUA)
