/** Takes tokens of many buckets of one limit, for one decision each: no lease is kept. */
import { BUCKET_LUA } from './bucket-lua.ts'
import { HASHES_LUA } from './hashes-lua.ts'
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: the two hashes of the limit. ARGV after the common nine: rate (negative for a limit that is
 * shared out without Redis), burst (tokens), flight (microseconds: how long after this the tokens may still be spent), grains
 * wanted of each bucket, or 0 where they differ, the names of the buckets, each on a line of its own, and what is wanted of
 * each where that differs. Adds to the reply
 * what was answered for most; rate and burst of those who use the name with another limit, or 0; then two numbers for each
 * bucket for which the first does not hold: which one it is, and its answer. An answer is what is left if the tokens were
 * taken; −1 − the wait in microseconds if not; −2^52 where others have another limit. Without names it only tidies up, and
 * adds how many of the hashes are still of use.
 *
 * Tokens in flight are counted in two slices of one flight each, so that what is still in the air is never forgotten early,
 * and one bucket needs no list of decisions.
 */
const ONCE_LUA = `
local limit, flight, common = limitOf(tonumber(ARGV[10]), tonumber(ARGV[11])), tonumber(ARGV[12]), tonumber(ARGV[13])
local fields = {}
for name in string.gmatch(ARGV[14], '[^\\n]+') do fields[#fields + 1] = name end
local count = #fields
if count == 0 then
  reply[5] = tidy(KEYS[3], KEYS[4], limit)
  return reply
end
local hashes, otherRate, otherBurst = open(KEYS[3], KEYS[4], limit, 2 * flight, fields)
if not hashes then
  reply[5], reply[6], reply[7] = -4503599627370496, string.format('%.17g', otherRate), string.format('%.17g', otherBurst)
  return reply
end

-- What to answer, and the bucket as it is to be saved if it has changed.
local function take(bucket, want)
  elapse(bucket)
  if bucket.tokens < want then return -1 - waitFor(bucket, want), nil end
  bucket.tokens = bucket.tokens - want
  if bucket.flying1 > 0 and bucket.lands1 - limit.now >= flight then
    bucket.flying1 = bucket.flying1 + want
  else
    bucket.flying0 = bucket.flying0 + bucket.flying1
    bucket.lands0 = math.max(bucket.lands0, bucket.lands1)
    bucket.flying1, bucket.lands1 = want, limit.now + 2 * flight
  end
  return bucket.tokens, packed(bucket)
end

-- Buckets that nobody has used for long are not there, and all alike: theirs is worked out once.
local usual = common
if common == 0 then usual = tonumber(ARGV[15]) end
local usualAnswer, usualChange = take(emptyBucket(limit), usual)

reply[5], reply[6], reply[7] = usualAnswer, 0, 0
local told, changed = 7, {}
for i = 1, count do
  local field, want, answer, change_ = fields[i], usual, usualAnswer, usualChange
  if common == 0 then want = tonumber(ARGV[14 + i]) end
  local saved = changed[field] or savedAt(hashes, i)
  if saved then answer, change_ = take(read(saved, limit), want)
  elseif want ~= usual then answer, change_ = take(emptyBucket(limit), want) end
  if change_ then
    changed[field] = change_
    change(hashes, field, change_)
  end
  if answer ~= usualAnswer then
    reply[told + 1], reply[told + 2] = i - 1, answer
    told = told + 2
  end
end
write(hashes)
return reply
`

/** Takes tokens for one decision each. */
export const TAKE_ONCE: Script = script('take-once', MEMORY_LUA, BUCKET_LUA, HASHES_LUA, ONCE_LUA)
