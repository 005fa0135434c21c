/**
 * A bucket in Redis: a few numbers. Tokens are counted in grains, 2^-40 of a token or coarser so that every
 * sum stays exact; times are microseconds of the clock by which the limit goes.
 *
 * `leased` is what processes hold and have not accounted for; `flying0` and `flying1` are tokens that were given for one
 * decision and may be spent any moment until `lands0`, `lands1`. Tokens flow in only as far as the burst minus all of these:
 * so whatever the processes do, tokens here plus tokens in their hands never exceed the burst, and no window of any length
 * W sees more than burst + rate × W. What the lapse of a lease frees counts from that moment on.
 *
 * Most buckets of many have seen single decisions only: theirs is the short form, four numbers.
 *
 * Where they are kept: `hashes-lua.ts`.
 */
export const BUCKET_LUA: string = `
local SHORT, SHORT_BYTES, LONG = '<dddd', 32, '<ddddddddd'

-- A limit whose rate is given as a negative number is shared out without Redis: it goes by the clock that slows down. A
-- share of less than a token is of no use to its process: then the whole burst stays here.
local function limitOf(rate, burst)
  local _, exponent = math.frexp(burst)
  local grains = math.ldexp(1, math.min(40, 51 - exponent))
  local whole = math.floor(burst * grains)
  local limit = { rate = rate, burst = burst, grains = grains, whole = whole, size = whole,
    flow = math.abs(rate) * grains / 1000000, now = now, pace = 1 }
  if rate < 0 then
    limit.now, limit.pace = flowed, speed
    if burst * largest >= WHOLE then limit.size = math.floor(whole * speed) end
  end
  return limit
end

local function emptyBucket(limit)
  return { limit = limit, tokens = 0, updated = began, leased = 0, earliest = 0, latest = 0,
    flying0 = 0, lands0 = 0, flying1 = 0, lands1 = 0 }
end

local function read(saved, limit)
  local bucket = emptyBucket(limit)
  if #saved == SHORT_BYTES then
    bucket.tokens, bucket.updated, bucket.flying1, bucket.lands1 = unpack(SHORT, saved)
  else
    bucket.tokens, bucket.updated, bucket.leased, bucket.earliest, bucket.latest, bucket.flying0, bucket.lands0,
      bucket.flying1, bucket.lands1 = unpack(LONG, saved)
  end
  return bucket
end

local function packed(bucket)
  if bucket.leased == 0 and bucket.flying0 == 0 then
    return pack(SHORT, bucket.tokens, bucket.updated, bucket.flying1, bucket.lands1)
  end
  return pack(LONG, bucket.tokens, bucket.updated, bucket.leased, bucket.earliest, bucket.latest, bucket.flying0,
    bucket.lands0, bucket.flying1, bucket.lands1)
end

local function roomOf(bucket)
  return bucket.limit.size - bucket.leased - bucket.flying0 - bucket.flying1
end

local function flow(bucket, till)
  if till <= bucket.updated then return end
  local gain = math.floor((till - bucket.updated) * bucket.limit.flow)
  local room = roomOf(bucket) - bucket.tokens
  bucket.tokens = bucket.tokens + math.max(0, math.min(gain, room))
  bucket.updated = till
end

local function elapse(bucket)
  local now = bucket.limit.now
  if bucket.flying0 > 0 and bucket.lands0 <= now then flow(bucket, bucket.lands0) bucket.flying0 = 0 end
  if bucket.flying1 > 0 and bucket.lands1 <= now then flow(bucket, bucket.lands1) bucket.flying1 = 0 end
  if bucket.leased > 0 and bucket.latest <= now then flow(bucket, bucket.latest) bucket.leased = 0 end
  flow(bucket, now)
  bucket.tokens = math.min(bucket.tokens, roomOf(bucket))
end

-- How long until that many tokens are there, if nobody else takes any; while the clock goes slower, that may change.
local function waitFor(bucket, need)
  local now, wait = bucket.limit.now, 0
  if bucket.tokens < need then wait = math.ceil((need - bucket.tokens) / bucket.limit.flow) end
  if bucket.updated > now then wait = wait + bucket.updated - now end
  if roomOf(bucket) < need then
    local frees = math.huge
    if bucket.leased > 0 then frees = bucket.earliest end
    if bucket.flying0 > 0 then frees = math.min(frees, bucket.lands0) end
    if bucket.flying1 > 0 then frees = math.min(frees, bucket.lands1) end
    if frees < math.huge then wait = math.max(wait, frees - now) end
  end
  if bucket.limit.pace < 1 then return math.min(math.ceil(wait / math.max(bucket.limit.pace, 0.001)), 1000000) end
  return wait
end
`
